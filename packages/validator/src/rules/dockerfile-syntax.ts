import { type FolderRule, ruleDocsUrl } from '../rule.ts'

export const dockerfileSyntax: FolderRule = {
  code: 'TY203',
  severity: 'error',
  phase: 'static',
  docsUrl: ruleDocsUrl('TY203'),
  help: 'Correct the instruction. `docker build --check .` reports the same errors.',
  check({ dockerfiles }) {
    return dockerfiles.flatMap(({ path, errors }) => errors.map((error) => ({ file: path, ...error })))
  },
}
