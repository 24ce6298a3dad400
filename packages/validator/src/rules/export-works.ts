import { plainRun, sayEnd } from '../compliance/record.ts'
import { type ComplianceRule, ruleDocsUrl } from '../rule.ts'

export const exportWorks: ComplianceRule = {
  code: 'TY407',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY407'),
  help: 'Write the format in EXPORT_FORMAT, upload it as an artifact of kind "export", and name it in the result.',
  check(record) {
    const run = plainRun(record, 'export')
    if (!run) return []
    if (run.job.state !== 'succeeded') return [{ message: `export: it ${sayEnd(run)}`, subject: 'failed' }]
    const { result } = run.job
    if (result?.operation !== 'export') {
      return [{ message: `export: the result is of "${result?.operation ?? 'nothing'}"`, subject: 'result' }]
    }
    if (result.format !== run.exportFormat) {
      return [{ message: `export: "${run.exportFormat}" was asked for, "${result.format}" came`, subject: 'format' }]
    }
    const artifact = run.artifacts.find(({ id }) => id === result.artifactId)
    if (!artifact) return [{ message: `export: there is no artifact "${result.artifactId}"`, subject: 'artifact' }]
    if (artifact.sizeBytes === 0) return [{ message: 'export: the exported file is empty', subject: 'empty' }]
    return []
  },
}
