import { type FolderRule, ruleDocsUrl } from '../rule.ts'

export const linksAndSpecialFiles: FolderRule = {
  code: 'TY209',
  severity: 'error',
  phase: 'static',
  docsUrl: ruleDocsUrl('TY209'),
  help: 'Put a copy of the file in its place: packages hold regular files and folders only.',
  check({ oddities }) {
    return oddities.map(({ path, kind }) => ({
      message: `a ${kind} cannot be part of a package: it is not unpacked on other machines`,
      file: path,
    }))
  },
}
