import { ignoresCheckpoint, repeatsResult } from '../compliance/honesty.ts'
import { findExported, findRun } from '../compliance/record.ts'
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
    // TY605, TY606 and TY615 report the reason.
    if (repeatsResult(record) !== undefined) return []
    if (ignoresCheckpoint(record) === true || findExportProblem(one.format, one) !== undefined) return []
    const message =
      'export: the files made from the checkpoints of two trainings are identical; they do not depend on the checkpoint'
    return [{ message, subject: 'ignored' }]
  },
}
