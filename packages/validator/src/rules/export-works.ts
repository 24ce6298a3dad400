import { describeEnd, plainRun } from '../compliance/record.ts'
import { shortJson } from '../manifest/read-manifest.ts'
import { type ComplianceRule, ruleDocsUrl } from '../rule.ts'

export const exportWorks: ComplianceRule = {
  code: 'TY407',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY407'),
  help: 'Write the format given in EXPORT_FORMAT, upload it as an artifact of kind "export", and name the artifact in the result.',
  check(record) {
    const run = plainRun(record, 'export')
    if (!run) return []
    if (run.job.state !== 'succeeded') return [{ message: `export ${describeEnd(run)}`, subject: 'failed' }]
    const { result } = run.job
    if (result?.operation !== 'export') {
      return [
        {
          message: `export: the operation of the result is ${shortJson(result?.operation) ?? 'missing'}; expected "export"`,
          subject: 'result',
        },
      ]
    }
    if (result.format !== run.exportFormat) {
      return [
        { message: `export: the format is "${result.format}"; expected "${run.exportFormat}"`, subject: 'format' },
      ]
    }
    const artifact = run.artifacts.find(({ id }) => id === result.artifactId)
    if (!artifact)
      return [{ message: `export: the artifact "${result.artifactId}" does not exist`, subject: 'artifact' }]
    if (artifact.sizeBytes === 0) return [{ message: 'export: the exported file is empty', subject: 'empty' }]
    return []
  },
}
