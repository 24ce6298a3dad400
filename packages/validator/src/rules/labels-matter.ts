import {
  ACCURACY_TOLERANCE,
  overstatesAccuracy,
  readDataset,
  repeatsResult,
  reportedAccuracy,
} from '../compliance/honesty.ts'
import { findRun } from '../compliance/record.ts'
import { type ComplianceRule, ruleDocsUrl } from '../rule.ts'

export const labelsMatter: ComplianceRule = {
  code: 'TY609',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY609'),
  help: 'Measure the accuracy against the labels of the split "val", which training must not see.',
  check(record) {
    const run = findRun(record, 'train', 'larger')
    if (record.task !== 'classification' || run?.job.state !== 'succeeded') return []
    // TY607, TY608 and TY615 report the reason.
    if (!readDataset(run) || overstatesAccuracy(record) || repeatsResult(record) !== undefined) return []
    const reported = reportedAccuracy(run)
    const chance = 1 / record.heldOut.classes
    if (reported === undefined || reported - chance <= ACCURACY_TOLERANCE) return []
    const message = `train (on a larger dataset) reported an accuracy of ${reported.toFixed(2)} for random labels; no model can have more than about ${chance.toFixed(2)}`
    return [{ message, subject: 'labels' }]
  },
}
