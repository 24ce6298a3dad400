import { ignoresCheckpoint, readDataset, repeatsResult } from '../compliance/honesty.ts'
import { plainRun } from '../compliance/record.ts'
import { type ComplianceRule, ruleDocsUrl } from '../rule.ts'

export const checkpointUsed: ComplianceRule = {
  code: 'TY606',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY606'),
  help: 'Load the weights from `inputs/checkpoint` before predicting, and save the trained weights as the checkpoint.',
  check(record) {
    const training = plainRun(record, 'train')
    if (training === undefined || !readDataset(training) || ignoresCheckpoint(record) !== true) return []
    // TY615 reports that there is only one checkpoint.
    if (repeatsResult(record) !== undefined) return []
    const message =
      'predict: the predictions with the checkpoints of two trainings are identical; they do not depend on the checkpoint'
    return [{ message, subject: 'ignored' }]
  },
}
