import { type FolderRule, ruleDocsUrl } from '../rule.ts'

export const linksAndSpecialFiles: FolderRule = {
  code: 'TY209',
  severity: 'error',
  phase: 'static',
  docsUrl: ruleDocsUrl('TY209'),
  help: 'Replace it with a copy of its target, or remove it.',
  check({ specialEntries }) {
    return specialEntries.map(({ path, kind }) => ({
      message:
        kind === 'unreadable folder'
          ? 'the folder cannot be read'
          : `this is a ${kind}; a package can contain only regular files and folders`,
      file: path,
    }))
  },
}
