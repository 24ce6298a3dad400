import { nameRun } from '../compliance/record.ts'
import { type ComplianceRule, ruleDocsUrl } from '../rule.ts'

const SHOWN = 5

export const datasetUnchanged: ComplianceRule = {
  code: 'TY611',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY611'),
  help: 'Read the dataset only. Copy what you want to change below WORK_DIR: `dataset.fetch({ own: true })` does that.',
  check({ operations }) {
    return operations.flatMap((run) => {
      const { datasetChanges: changes } = run
      if (changes.length === 0) return []
      const more = changes.length > SHOWN ? ` and ${changes.length - SHOWN} more` : ''
      const message = `${nameRun(run)} changed files of the shared dataset: ${changes.slice(0, SHOWN).join(', ')}${more}`
      return [{ message, subject: nameRun(run) }]
    })
  },
}
