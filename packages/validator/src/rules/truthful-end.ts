import { EXIT_CODES, isTerminalEventType } from '@trainyard/contract'
import { nameRun, sayEnd } from '../compliance/record.ts'
import { type ComplianceRule, type RuleFinding, ruleDocsUrl } from '../rule.ts'

export const truthfulEnd: ComplianceRule = {
  code: 'TY404',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY404'),
  help: 'End with exactly one terminal event, and an exit code that says the same: 0 completed, 1 failed, 3 unusable input.',
  check({ operations }) {
    const findings: RuleFinding[] = []
    for (const run of operations) {
      if (run.purpose !== 'plain') continue
      const name = nameRun(run)
      const terminal = run.events.filter((event) => isTerminalEventType(event.type)).map((event) => event.type)
      // TY408 speaks about a trainer that was never heard.
      if (run.events.length === 0 && run.end === undefined) continue
      if (terminal.length === 0) {
        findings.push({ message: `${name}: no terminal event; it ${sayEnd(run)}`, subject: `${name} none` })
        continue
      }
      const exitCode = run.end?.stopped ? undefined : run.end?.exitCode
      const last = terminal.at(-1)
      if (exitCode !== undefined && last === 'completed' && exitCode !== EXIT_CODES.done) {
        findings.push({
          message: `${name}: "completed" was sent, but the exit code is ${exitCode}`,
          subject: `${name} exit`,
        })
      }
      if (exitCode === EXIT_CODES.done && last !== 'completed') {
        findings.push({ message: `${name}: "${last}" was sent, but the exit code is 0`, subject: `${name} exit` })
      }
      // Predict and export have rules of their own.
      if (run.operation === 'train' && run.job.state !== 'succeeded') {
        findings.push({ message: `${name}: it ${sayEnd(run)}`, subject: `${name} failed` })
      }
    }
    return findings
  },
}
