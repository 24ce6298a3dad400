import { isTerminalEventType } from '@trainyard/contract'
import { nameRun } from '../compliance/record.ts'
import { type ComplianceRule, ruleDocsUrl } from '../rule.ts'

export const exitsAfterEnd: ComplianceRule = {
  code: 'TY413',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY413'),
  help: 'After the terminal event, close servers, timers and worker processes, and exit.',
  check({ operations, cancelGraceMs }) {
    return operations
      .filter(({ purpose, job }) => purpose !== 'cancel' && job.state === 'succeeded')
      .filter(
        ({ end, events }) => (end === undefined || end.stopped) && events.some((e) => isTerminalEventType(e.type)),
      )
      .map((run) => {
        const message = `${nameRun(run)}: the process was still running ${cancelGraceMs / 1000} s after its terminal event, and was stopped`
        return { message, subject: nameRun(run) }
      })
  },
}
