import { readDataset, repeatsResult } from '../compliance/honesty.ts'
import { plainRun } from '../compliance/record.ts'
import { type ComplianceRule, ruleDocsUrl } from '../rule.ts'

export const dataMatters: ComplianceRule = {
  code: 'TY615',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY615'),
  help: 'Compute the weights and every metric from the images and labels of the dataset.',
  check(record) {
    const training = plainRun(record, 'train')
    // TY607 reports the reason.
    if (training === undefined || !readDataset(training)) return []
    const repeated = repeatsResult(record)
    if (repeated === undefined) return []
    const message = `train: two trainings with other images, other labels and another seed have ${repeated}`
    return [{ message, subject: 'repeated' }]
  },
}
