import { findInstructions } from '../find-instructions.ts'
import { type FolderRule, ruleDocsUrl } from '../rule.ts'

const PATTERN = /^(?!.*--checksum=)(?:--\S+\s+)*https?:\/\/\S+/

export const dockerfileAddUrl: FolderRule = {
  code: 'TY213',
  severity: 'warning',
  phase: 'static',
  docsUrl: ruleDocsUrl('TY213'),
  help: 'Use ADD --checksum=sha256:…, or download in RUN and compare the digest.',
  check: ({ dockerfiles }) =>
    findInstructions(
      dockerfiles,
      ['ADD'],
      PATTERN,
      (matched) => `"ADD ${matched}" downloads a file whose content is not checked`,
    ),
}
