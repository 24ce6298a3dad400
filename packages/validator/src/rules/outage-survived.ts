import { plainRun, sayEnd } from '../compliance/record.ts'
import { type ComplianceRule, ruleDocsUrl } from '../rule.ts'

export const outageSurvived: ComplianceRule = {
  code: 'TY502',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY502'),
  help: 'Retry with growing pauses for at least some minutes; go on training meanwhile.',
  check(record) {
    const faulty = record.operations.find((run) => run.purpose === 'faults')
    if (!faulty?.faults || faulty.faults.inOutage === 0 || faulty.job.state === 'succeeded') return []
    if (plainRun(record, 'train')?.job.state !== 'succeeded') return []
    const again = faulty.faults.askedAfterOutage ? '' : ' and never asked again'
    return [{ message: `after a short outage of the platform training ${sayEnd(faulty)}${again}`, subject: 'outage' }]
  },
}
