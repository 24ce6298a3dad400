import { type FolderRule, type RuleFinding, ruleDocsUrl } from '../rule.ts'
import { scanForSecrets } from '../secrets/scan-for-secrets.ts'

/** The number of binary files that are named in the message. */
const SHOWN = 3

export const unscannedFiles: FolderRule = {
  code: 'TY302',
  severity: 'info',
  phase: 'security',
  docsUrl: ruleDocsUrl('TY302'),
  help: 'Check these files yourself. They may contain secrets that were not found.',
  async check(folder) {
    const { skipped } = await scanForSecrets(folder)
    const findings: RuleFinding[] = skipped
      .filter(({ reason }) => reason !== 'binary')
      .map(({ file, reason }) => ({ message: `not searched for secrets: ${reason}`, file, subject: reason }))
    const binary = skipped.filter(({ reason }) => reason === 'binary').map(({ file }) => file)
    const [first] = binary
    if (first !== undefined) {
      const more = binary.length > SHOWN ? ` and ${binary.length - SHOWN} more` : ''
      const which = `${binary.slice(0, SHOWN).join(', ')}${more}`
      findings.push({ message: `binary files are not searched for secrets: ${which}`, file: first, subject: 'binary' })
    }
    for (const path of folder.ignored.filter((folderPath) => folderPath.endsWith('node_modules'))) {
      findings.push({ message: 'dependencies are not searched for secrets', file: path, subject: 'dependencies' })
    }
    return findings
  },
}
