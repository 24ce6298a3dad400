import { describeEnd, eventsOf, type OperationRecord, plainRun } from '../compliance/record.ts'
import { type ComplianceRule, type RuleFinding, ruleDocsUrl } from '../rule.ts'

export const journalSurvives503: ComplianceRule = {
  code: 'TY501',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY501'),
  help: 'Keep events until they are acknowledged. After a 503 or a lost response, send the same events again with the same `seq`.',
  check(record) {
    const plain = plainRun(record, 'train')
    const faulty = record.operations.find((run) => run.purpose === 'faults')
    // Without a successful plain run there is nothing to compare with, and TY404 reports it.
    if (!faulty?.faults || plain?.job.state !== 'succeeded') return []
    const { faults, job } = faulty
    if (faults.refused === 0) return []
    if (job.state !== 'succeeded') {
      if (faults.inOutage > 0) return [] // TY502
      return [{ message: `training with ${faults.refused} responses of 503 ${describeEnd(faulty)}`, subject: 'failed' }]
    }
    const findings: RuleFinding[] = []
    for (const type of ['started', 'validation', 'checkpoint']) {
      if (eventsOf(plain, type).length > 0 && eventsOf(faulty, type).length === 0) {
        findings.push({ message: `"${type}" events were lost with ${faults.refused} responses of 503`, subject: type })
      }
    }
    const missing = missingEpochs(faulty)
    if (missing.length > 0 && missingEpochs(plain).length === 0) {
      const message = `the progress of epoch ${missing.join(', ')} was lost with ${faults.refused} responses of 503`
      findings.push({ message, subject: 'progress' })
    }
    if (eventsOf(faulty, 'started').length > 1 || eventsOf(faulty, 'completed').length > 1) {
      findings.push({ message: 'events were sent again with a new `seq` after a lost response', subject: 'doubled' })
    }
    return findings
  },
}

function missingEpochs(run: OperationRecord): number[] {
  const seen = new Set(eventsOf(run, 'progress').map(({ body }) => body.epoch))
  return Array.from({ length: run.epochs ?? 0 }, (_, index) => index + 1).filter((epoch) => !seen.has(epoch))
}
