import { MANIFEST_FILE_NAME } from '@trainyard/contract'
import { formatJsonPath } from '../manifest/json-document.ts'
import { type FolderRule, type RuleFinding, ruleDocsUrl } from '../rule.ts'

export const manifestSyntax: FolderRule = {
  code: 'TY102',
  severity: 'error',
  phase: 'static',
  docsUrl: ruleDocsUrl('TY102'),
  help: 'Use strict JSON: quote all keys, and remove comments, trailing commas and duplicate keys.',
  check({ manifest }) {
    if (manifest.state === 'missing') return []
    if (manifest.state === 'unreadable') {
      return [{ message: `not valid JSON: ${manifest.message}`, file: MANIFEST_FILE_NAME, ...manifest.at }]
    }
    return manifest.duplicates.map(({ path, at }): RuleFinding => {
      const message = `the key "${formatJsonPath(path)}" appears twice; JSON parsers disagree about which value counts`
      return { message, file: MANIFEST_FILE_NAME, ...at }
    })
  },
}
