import { type ComplianceRule, ruleDocsUrl } from '../rule.ts'

export const environmentMade: ComplianceRule = {
  code: 'TY411',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY411'),
  help: 'Correct the dependencies, and try them with "trainyard dev train".',
  check({ environmentProblem }) {
    if (environmentProblem === undefined) return []
    const { message, file, line } = environmentProblem
    // The finding has the place.
    const what = message.replace(/^[\w./-]+(?::\d+)?: /, '')
    return [{ message: `the Python environment cannot be made: ${what}`, file, line }]
  },
}
