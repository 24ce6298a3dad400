import { isTerminalEventType } from '@trainyard/contract'
import { nameRun } from '../compliance/record.ts'
import { type ComplianceRule, type RuleFinding, ruleDocsUrl } from '../rule.ts'

export const lifecycleOrder: ComplianceRule = {
  code: 'TY401',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY401'),
  help: 'Send "started" once, before any other event, and nothing after the terminal event.',
  check({ operations }) {
    const findings: RuleFinding[] = []
    for (const run of operations) {
      const types = run.events.map((event) => event.type)
      if (types.length === 0) continue
      const name = nameRun(run)
      const first = types.indexOf('started')
      if (first === -1) findings.push({ message: `${name}: the journal has no "started" event` })
      else if (first > 0)
        findings.push({ message: `${name}: "started" comes after "${types[0]}"; it must be the first event` })
      if (types.filter((type) => type === 'started').length > 1) {
        findings.push({ message: `${name}: "started" was sent more than once in one attempt` })
      }
      const end = types.findIndex(isTerminalEventType)
      const late = end === -1 ? undefined : types[end + 1]
      if (late !== undefined) findings.push({ message: `${name}: "${late}" was sent after "${types[end]}"` })
    }
    return findings
  },
}
