import { formatBytes } from '@trainyard/contract/format'
import { nameRun } from '../compliance/record.ts'
import { type ComplianceRule, ruleDocsUrl } from '../rule.ts'

/** Two epochs with a few images are a small job. */
const MAX_OUTPUT_BYTES = 10 * 1000 * 1000

export const outputVolume: ComplianceRule = {
  code: 'TY414',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY414'),
  help: 'Print a few lines an epoch, and switch off progress bars and debug output.',
  check({ operations }) {
    return operations.flatMap((run) => {
      const logged = run.events.filter(({ type }) => type === 'log')
      const bytes = logged.reduce((sum, { body }) => sum + Buffer.byteLength(JSON.stringify(body)), run.outputBytes)
      if (bytes <= MAX_OUTPUT_BYTES) return []
      const message = `${nameRun(run)}: the output and the events of type "log" have ${formatBytes(bytes)}; the maximum for a job of this size is ${formatBytes(MAX_OUTPUT_BYTES)}`
      return [{ message, subject: nameRun(run) }]
    })
  },
}
