import { ignoresCheckpoint } from '../compliance/honesty.ts'
import { findRun, type OperationRecord } from '../compliance/record.ts'
import { findExportProblem } from '../exports/find-export-problem.ts'
import { type ComplianceRule, ruleDocsUrl } from '../rule.ts'

export const exportUsesCheckpoint: ComplianceRule = {
  code: 'TY610',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY610'),
  help: 'Load the weights from `inputs/checkpoint` before exporting.',
  check(record) {
    const [one, other] = (['plain', 'swapped'] as const).map((purpose) =>
      findExported(findRun(record, 'export', purpose)),
    )
    if (one === undefined || other === undefined || one.sha256 !== other.sha256) return []
    // TY605 and TY606 report the reason.
    if (ignoresCheckpoint(record) === true || findExportProblem(one.format, one) !== undefined) return []
    const message =
      'export: the files made from the checkpoints of two trainings are identical; they do not depend on the checkpoint'
    return [{ message, subject: 'ignored' }]
  },
}

function findExported(run: OperationRecord | undefined) {
  const { result } = run?.job ?? {}
  if (run?.job.state !== 'succeeded' || result?.operation !== 'export') return undefined
  const upload = run.uploads.find(({ id }) => id === result.artifactId)
  return upload === undefined || upload.sizeBytes === 0
    ? undefined
    : Object.assign({ format: run.exportFormat }, upload)
}
