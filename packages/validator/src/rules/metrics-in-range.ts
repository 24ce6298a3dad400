import { isShare } from '../compliance/honesty.ts'
import { eventsOf, nameRun, type OperationRecord } from '../compliance/record.ts'
import { type ComplianceRule, ruleDocsUrl } from '../rule.ts'

export const metricsInRange: ComplianceRule = {
  code: 'TY604',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY604'),
  help: 'Report accuracy, precision, recall, F1, IoU and average precision as shares from 0 to 1.',
  check({ operations }) {
    return operations
      .filter(({ operation, purpose }) => operation === 'train' && purpose === 'plain')
      .flatMap((run) =>
        [...findOutside(run)].map(([name, value]) => {
          const hint = value > 1 && value <= 100 ? `, for example ${value / 100}` : ''
          const message = `${nameRun(run)}: the metric "${name}" is ${value}; expected a share from 0 to 1${hint}`
          return { message, subject: name }
        }),
      )
  },
}

function findOutside(run: OperationRecord): Map<string, number> {
  const found = new Map<string, number>()
  for (const { body } of eventsOf(run, 'progress', 'validation', 'checkpoint')) {
    const { primary, metrics = {} } = body as { primary?: { name: string; value: unknown }; metrics?: object }
    const all: [string, unknown][] = Object.entries(metrics)
    if (primary !== undefined) all.push([primary.name, primary.value])
    for (const [name, value] of all)
      if (typeof value === 'number' && isShare(name) && (value < 0 || value > 1) && !found.has(name))
        found.set(name, value)
  }
  return found
}
