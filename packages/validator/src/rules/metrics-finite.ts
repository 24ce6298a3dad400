import { eventsOf, nameRun, type OperationRecord } from '../compliance/record.ts'
import { type ComplianceRule, ruleDocsUrl } from '../rule.ts'

export const metricsFinite: ComplianceRule = {
  code: 'TY603',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY603'),
  help: 'Find out why training diverges: the learning rate, a division by zero, the logarithm of 0. Leave out a metric that has no value.',
  check({ operations }) {
    return operations
      .filter(({ operation, purpose }) => operation === 'train' && purpose === 'plain')
      .flatMap((run) =>
        [...findInfinite(run)].map(([name, value]) => ({
          message: `${nameRun(run)}: the metric "${name}" is ${value}; expected a finite number`,
          subject: name,
        })),
      )
  },
}

/** TY403 reports the primary metric. */
function findInfinite(run: OperationRecord): Map<string, string> {
  const found = new Map<string, string>()
  const results = run.job.result?.operation === 'train' ? [run.job.result.metrics] : []
  const reported = eventsOf(run, 'progress', 'validation', 'checkpoint').map(({ body }) => body.metrics ?? {})
  for (const metrics of [...reported, ...results]) {
    for (const [name, value] of Object.entries(metrics as Record<string, unknown>))
      if (typeof value === 'string' && name !== run.job.primaryMetric.name) found.set(name, value)
  }
  return found
}
