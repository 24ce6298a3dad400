import { findLines } from '../find-lines.ts'
import { type FolderRule, ruleDocsUrl } from '../rule.ts'

const PATTERN =
  /\bpip3?["',\s]+install\b|\b(?:npm|pnpm|yarn)["',\s]+(?:install|add)\b|\bapt(?:-get)?["',\s]+(?:-\S+\s+)*install\b/

export const installsWhileRunning: FolderRule = {
  code: 'TY307',
  severity: 'warning',
  phase: 'security',
  docsUrl: ruleDocsUrl('TY307'),
  help: 'Declare the packages in runtime.dependencies, package.json or the Dockerfile.',
  check: (folder) => findLines(folder, PATTERN, (matched) => `"${matched}" installs packages while a job runs`),
}
