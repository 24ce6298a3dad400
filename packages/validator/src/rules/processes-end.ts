import { nameRun } from '../compliance/record.ts'
import { type ComplianceRule, ruleDocsUrl } from '../rule.ts'

export const processesEnd: ComplianceRule = {
  code: 'TY416',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY416'),
  help: 'Start helpers as children of the trainer, in its session, and wait for their end before it exits.',
  check({ operations }) {
    return operations
      .filter(({ processes, end }) => processes.detached.length > 0 && end?.stopped === false)
      .map((run) => {
        const names = [...new Set(run.processes.detached)].slice(0, 5).join(', ')
        const message = `${nameRun(run)}: processes that had detached from the trainer were running when it ended: ${names}`
        return { message, subject: nameRun(run) }
      })
  },
}
