import { nameRun } from '../compliance/record.ts'
import { type ComplianceRule, ruleDocsUrl } from '../rule.ts'

export const eventsValid: ComplianceRule = {
  code: 'TY410',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY410'),
  help: 'Send events as the contract describes them. Rejected events appear in no chart and on no page.',
  check({ operations }) {
    return operations.flatMap((run) => {
      const seen = new Map<string, number>()
      for (const { type, rejected } of run.events) {
        if (!rejected) continue
        const what = `"${type}" at "${rejected.path}": ${rejected.detail}`
        seen.set(what, (seen.get(what) ?? 0) + 1)
      }
      return [...seen].map(([what, count]) => ({
        message: `${nameRun(run)}: ${count} ${count === 1 ? 'event was' : 'events were'} rejected: ${what}`,
        subject: `${nameRun(run)} ${what}`,
      }))
    })
  },
}
