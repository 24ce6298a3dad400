import { describeEnd, findRun } from '../compliance/record.ts'
import { type ComplianceRule, ruleDocsUrl } from '../rule.ts'

export const largerDataset: ComplianceRule = {
  code: 'TY503',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY503'),
  help: 'Train with any number of images: do not assume that all of them fit into one batch, one page or one buffer.',
  check(record) {
    const run = findRun(record, 'train', 'larger')
    // A training that ran out of the validator's time is not the trainer's fault.
    if (run === undefined || run.timedOut || run.job.state === 'succeeded') return []
    const epochs = run.epochs === undefined ? '' : ` for ${run.epochs} epochs`
    return [{ message: `training on a dataset of 150 images${epochs} ${describeEnd(run)}`, subject: 'larger' }]
  },
}
