import { findInstructions } from '../find-instructions.ts'
import { type FolderRule, ruleDocsUrl } from '../rule.ts'

const PATTERN = /\b(?:curl|wget)\b[^|;&]*\|\s*(?:sudo\s+)?(?:\S*\/)?(?:sh|bash|python3?)\b/

export const dockerfilePipedScript: FolderRule = {
  code: 'TY214',
  severity: 'warning',
  phase: 'static',
  docsUrl: ruleDocsUrl('TY214'),
  help: 'Download the script, compare its digest, then run it; or install a package.',
  check: ({ dockerfiles }) =>
    findInstructions(
      dockerfiles,
      ['RUN'],
      PATTERN,
      (matched) => `"${matched}" runs a script from the network that is not checked`,
    ),
}
