import { findInstructions } from '../find-instructions.ts'
import { type FolderRule, ruleDocsUrl } from '../rule.ts'

const PATTERN = /\b(?:apt-get|apt|dnf|yum|apk)\s+(?:-\S+\s+)*(?:dist-upgrade|upgrade|full-upgrade)\b/

export const dockerfileUpgrade: FolderRule = {
  code: 'TY215',
  severity: 'info',
  phase: 'static',
  docsUrl: ruleDocsUrl('TY215'),
  help: 'Use a newer base image. An upgrade gives another image each time it is built.',
  check: ({ dockerfiles }) =>
    findInstructions(
      dockerfiles,
      ['RUN'],
      PATTERN,
      (matched) => `"${matched}" gives another image each time it is built`,
    ),
}
