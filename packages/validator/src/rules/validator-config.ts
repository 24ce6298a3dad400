import { CONFIG_FILE_NAME, isExpired } from '../config/read-config.ts'
import { type FolderRule, ruleDocsUrl } from '../rule.ts'

export const validatorConfig: FolderRule = {
  code: 'TY114',
  severity: 'error',
  phase: 'static',
  docsUrl: ruleDocsUrl('TY114'),
  // The marketplace does not read the file.
  marketplaceSeverity: 'info',
  help: 'Mend what the ignored rule finds, or decide again: give the ignore a reason and a later day.',
  check({ config }) {
    if (config.state === 'absent') return []
    if (config.state === 'invalid')
      return [{ message: `the file is not valid: ${config.message}`, file: CONFIG_FILE_NAME, subject: 'invalid' }]
    return config.ignores
      .filter((ignore) => isExpired(ignore))
      .map(({ rule, path, expires, reason }) => ({
        message: `the ignore of ${rule} for "${path}" expired on ${expires}; its reason was: ${reason}`,
        file: CONFIG_FILE_NAME,
        subject: `${rule} ${path} ${expires}`,
      }))
  },
}
