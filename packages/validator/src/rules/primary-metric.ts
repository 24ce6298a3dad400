import { eventsOf, plainRun } from '../compliance/record.ts'
import { type ComplianceRule, ruleDocsUrl } from '../rule.ts'

export const primaryMetric: ComplianceRule = {
  code: 'TY403',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY403'),
  help: 'Send the primary metric of the manifest (or the default metric of the task) in "validation", as a finite number.',
  check(record) {
    const run = plainRun(record, 'train')
    if (run?.job.state !== 'succeeded') return []
    const { name } = run.job.primaryMetric
    const values = eventsOf(run, 'validation', 'progress').flatMap(({ body }) => {
      const primary = body.primary as { name?: unknown; value?: unknown } | undefined
      const metrics = body.metrics as Record<string, unknown> | undefined
      return [primary?.name === name ? primary.value : undefined, metrics?.[name]].filter(
        (value) => value !== undefined,
      )
    })
    if (values.length === 0) {
      const known = Object.keys(run.job.latestMetrics).slice(0, 8).join(', ') || 'none'
      return [{ message: `the primary metric "${name}" was not reported; reported metrics: ${known}`, subject: name }]
    }
    const invalid = values.find((value) => !Number.isFinite(value))
    if (invalid === undefined) return []
    return [{ message: `the primary metric "${name}" is ${String(invalid)}; expected a finite number`, subject: name }]
  },
}
