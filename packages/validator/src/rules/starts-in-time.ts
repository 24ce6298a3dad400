import { nameRun, sayEnd } from '../compliance/record.ts'
import { type ComplianceRule, ruleDocsUrl } from '../rule.ts'

export const startsInTime: ComplianceRule = {
  code: 'TY408',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY408'),
  help: 'Send "started" before anything slow: before large imports, downloads and compilation.',
  check({ operations }) {
    return operations
      .filter((run) => run.events.length === 0 && run.purpose !== 'faults')
      .map((run) => {
        const lines = run.output.slice(-3).join(' ⏎ ').slice(0, 300)
        const said = lines === '' ? '' : `; its last words: ${lines}`
        return { message: `${nameRun(run)}: nothing was heard of it, it ${sayEnd(run)}${said}`, subject: nameRun(run) }
      })
  },
}
