import { type FolderRule, ruleDocsUrl } from '../rule.ts'
import { scanForSecrets } from '../secrets/scan-for-secrets.ts'

export const secrets: FolderRule = {
  code: 'TY301',
  severity: 'error',
  phase: 'security',
  docsUrl: ruleDocsUrl('TY301'),
  help: 'Revoke the secret, then remove it from the file and from its history.',
  async check(folder) {
    const { secrets } = await scanForSecrets(folder)
    return secrets.map(({ file, line, column, message, subject }) => ({ file, line, column, message, subject }))
  },
}
