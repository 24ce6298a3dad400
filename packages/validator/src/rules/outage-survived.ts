import { describeEnd, plainRun } from '../compliance/record.ts'
import { type ComplianceRule, ruleDocsUrl } from '../rule.ts'

export const outageSurvived: ComplianceRule = {
  code: 'TY502',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY502'),
  help: 'Retry with increasing delays for at least several minutes, and keep training meanwhile.',
  check(record) {
    const faulty = record.operations.find((run) => run.purpose === 'faults')
    if (!faulty?.faults || faulty.faults.inOutage === 0 || faulty.job.state === 'succeeded') return []
    if (plainRun(record, 'train')?.job.state !== 'succeeded') return []
    const { requestedAfterOutage } = faulty.faults
    const retried = requestedAfterOutage ? '' : '; the trainer sent no request after the outage'
    return [{ message: `training with a short outage ${describeEnd(faulty)}${retried}`, subject: 'outage' }]
  },
}
