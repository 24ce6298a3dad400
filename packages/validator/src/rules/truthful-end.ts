import { EXIT_CODES, isTerminalEventType } from '@trainyard/contract'
import { describeEnd, nameRun } from '../compliance/record.ts'
import { type ComplianceRule, type RuleFinding, ruleDocsUrl } from '../rule.ts'
import { missingModuleOf } from './modules-declared.ts'

export const truthfulEnd: ComplianceRule = {
  code: 'TY404',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY404'),
  help: 'Send exactly one terminal event, and exit with the matching code: 0 completed, 1 failed, 3 unusable input.',
  check({ operations }) {
    const findings: RuleFinding[] = []
    for (const run of operations) {
      if (run.purpose !== 'plain') continue
      const name = nameRun(run)
      const terminal = run.events.filter((event) => isTerminalEventType(event.type)).map((event) => event.type)
      // TY408 reports a trainer that sent no event.
      if (run.events.length === 0) continue
      // And TY412 one without a package.
      const isExplained = missingModuleOf(run) !== undefined
      if (terminal.length === 0) {
        if (isExplained) continue
        findings.push({ message: `${name} sent no terminal event and ${describeEnd(run)}`, subject: `${name} none` })
        continue
      }
      const exitCode = run.end?.stopped ? undefined : run.end?.exitCode
      const last = terminal.at(-1)
      if (exitCode !== undefined && last === 'completed' && exitCode !== EXIT_CODES.done) {
        findings.push({
          message: `${name} sent "completed", but the exit code is ${exitCode}`,
          subject: `${name} exit`,
        })
      }
      if (exitCode === EXIT_CODES.done && last !== 'completed') {
        findings.push({ message: `${name} sent "${last}", but the exit code is 0`, subject: `${name} exit` })
      }
      // TY406 and TY407 check predict and export.
      if (run.operation === 'train' && run.job.state !== 'succeeded' && !isExplained) {
        findings.push({ message: `${name} ${describeEnd(run)}`, subject: `${name} failed` })
      }
    }
    return findings
  },
}
