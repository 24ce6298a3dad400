import { findInstructions } from '../find-instructions.ts'
import { type FolderRule, ruleDocsUrl } from '../rule.ts'

const PATTERN =
  /\bchmod\s+(?:-\w+\s+)*(?:0?[0-7][0-7][2367]|a\+\w*w\w*|o\+\w*w\w*|ugo\+\w*w\w*)\b|--chmod=0?[0-7][0-7][2367]\b/

export const dockerfileWorldWritable: FolderRule = {
  code: 'TY212',
  severity: 'warning',
  phase: 'static',
  docsUrl: ruleDocsUrl('TY212'),
  help: 'Give the files to the user of the trainer: COPY --chown, or chown.',
  check: ({ dockerfiles }) =>
    findInstructions(
      dockerfiles,
      ['RUN', 'COPY', 'ADD'],
      PATTERN,
      (matched) => `"${matched}" lets every user change the files`,
    ),
}
