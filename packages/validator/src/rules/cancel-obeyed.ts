import { isTerminalEventType } from '@trainyard/contract'
import { type ComplianceRule, type RuleFinding, ruleDocsUrl } from '../rule.ts'

export const cancelObeyed: ComplianceRule = {
  code: 'TY409',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY409'),
  help: 'On SIGTERM or `shouldContinue: false`, finish the step, send "cancelled" and exit with 130 or 143.',
  check({ operations, cancelGraceMs }) {
    const findings: RuleFinding[] = []
    for (const run of operations.filter(({ purpose }) => purpose === 'cancel')) {
      if (run.end?.signal === 'SIGKILL') {
        const message = `the trainer was still running ${cancelGraceMs / 1000} s after the cancel and was killed`
        findings.push({ message, subject: 'killed' })
        continue
      }
      const last = run.events.findLast((event) => isTerminalEventType(event.type))?.type
      // The trainer may complete before it notices the cancel.
      if (last === 'completed') continue
      if (last !== 'cancelled') {
        const message = `after a cancel, the terminal event is ${last ? `"${last}"` : 'missing'}; expected "cancelled"`
        findings.push({ message, severity: 'warning', subject: 'event' })
      }
    }
    return findings
  },
}
