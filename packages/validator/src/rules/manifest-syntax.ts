import { MANIFEST_FILE_NAME } from '@trainyard/contract'
import { formatJsonPath } from '../manifest/json-document.ts'
import { type FolderRule, type RuleFinding, ruleDocsUrl } from '../rule.ts'

export const manifestSyntax: FolderRule = {
  code: 'TY102',
  severity: 'error',
  phase: 'static',
  docsUrl: ruleDocsUrl('TY102'),
  help: 'Make it strict JSON: quotation marks around keys, no comments, no comma after the last entry, no key twice.',
  check({ manifest }) {
    if (manifest.state === 'missing') return []
    if (manifest.state === 'unreadable') {
      return [{ message: `not JSON: ${manifest.message}`, file: MANIFEST_FILE_NAME, ...manifest.at }]
    }
    return manifest.duplicates.map(({ path, at }): RuleFinding => {
      const message = `the key "${formatJsonPath(path)}" stands twice; readers disagree about which one counts`
      return { message, file: MANIFEST_FILE_NAME, ...at }
    })
  },
}
