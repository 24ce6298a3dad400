import { findInstructions } from '../find-instructions.ts'
import { type FolderRule, ruleDocsUrl } from '../rule.ts'

const PATTERN = /\bpip3?\s+install\s+(?:--?[\w-]+(?:=\S+)?\s+)*(?!-)[A-Za-z][\w.-]*(?:\[[\w,]+\])?(?=\s|$)(?!\s*[=<>~])/

export const dockerfileUnpinnedPackage: FolderRule = {
  code: 'TY216',
  severity: 'info',
  phase: 'static',
  docsUrl: ruleDocsUrl('TY216'),
  help: 'Install from a file with versions: pip install --require-hashes -r requirements.txt, npm ci.',
  check: ({ dockerfiles }) =>
    findInstructions(dockerfiles, ['RUN'], PATTERN, (matched) => `"${matched}" installs a package without a version`),
}
