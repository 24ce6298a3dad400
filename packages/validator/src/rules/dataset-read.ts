import { readDataset } from '../compliance/honesty.ts'
import { plainRun } from '../compliance/record.ts'
import { type ComplianceRule, ruleDocsUrl } from '../rule.ts'

export const datasetRead: ComplianceRule = {
  code: 'TY607',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY607'),
  help: 'Request the images of the dataset (`dataset/files` or `dataset/cache`), and train with them.',
  check(record) {
    const run = plainRun(record, 'train')
    if (run?.job.state !== 'succeeded' || readDataset(run)) return []
    return [
      { message: 'train: epochs were reported, but the images of the dataset were never requested', subject: 'unread' },
    ]
  },
}
