import {
  ignoresCheckpoint,
  measuredAccuracy,
  overstatesAccuracy,
  readDataset,
  repeatsResult,
  reportedAccuracy,
} from '../compliance/honesty.ts'
import { plainRun } from '../compliance/record.ts'
import { type ComplianceRule, ruleDocsUrl } from '../rule.ts'

export const accuracyTrue: ComplianceRule = {
  code: 'TY608',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY608'),
  help: 'Report the accuracy that was measured on the validation images, and predict with the same model and the same preparation of images.',
  check(record) {
    const training = plainRun(record, 'train')
    // TY606, TY607 and TY615 report the reason.
    if (training === undefined || !readDataset(training) || ignoresCheckpoint(record) === true) return []
    if (!overstatesAccuracy(record) || repeatsResult(record) !== undefined) return []
    const [reported, measured] = [reportedAccuracy(training), measuredAccuracy(record)]
    const message = `train reported an accuracy of ${round(reported)}, but the predictions for images of the same kind are right in ${round(measured)} of them`
    return [{ message, subject: 'overstated' }]
  },
}

function round(value: number | undefined): string {
  return (value ?? 0).toFixed(2)
}
