import { type ComplianceRecord, findRun } from '../compliance/record.ts'
import { findExportProblem } from '../exports/find-export-problem.ts'
import { type ComplianceRule, type RuleFinding, ruleDocsUrl } from '../rule.ts'

export const exportFormat: ComplianceRule = {
  code: 'TY605',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY605'),
  help: 'Write the file with the exporter of the framework, and load it once before it is uploaded.',
  check(record) {
    const found = findStructureProblems(record)
    if (found.length > 0 || record.exported?.state !== 'refused') return found
    return [{ message: `export: ONNX Runtime does not load it: ${record.exported.reason}`, subject: 'format' }]
  },
}

function findStructureProblems(record: ComplianceRecord): RuleFinding[] {
  return (['plain', 'swapped'] as const)
    .flatMap((purpose) => {
      const run = findRun(record, 'export', purpose)
      const { result } = run?.job ?? {}
      if (run?.job.state !== 'succeeded' || result?.operation !== 'export') return []
      const upload = run.uploads.find(({ id }) => id === result.artifactId)
      // TY407 reports a format that was not requested, and an empty file.
      if (upload === undefined || upload.sizeBytes === 0 || result.format !== run.exportFormat) return []
      const problem = findExportProblem(run.exportFormat, upload)
      return problem === undefined
        ? []
        : [{ message: `export: "${upload.name}" is not ${run.exportFormat}: ${problem}`, subject: 'format' }]
    })
    .slice(0, 1)
}
