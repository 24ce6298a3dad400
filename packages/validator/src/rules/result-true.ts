import type { StoredEvent } from '@trainyard/contract'
import { eventsOf, type OperationRecord, plainRun } from '../compliance/record.ts'
import { type ComplianceRule, type RuleFinding, ruleDocsUrl } from '../rule.ts'

/** Results are often rounded. */
const TOLERANCE = 0.01

export const resultTrue: ComplianceRule = {
  code: 'TY613',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY613'),
  help: 'Send the result that belongs to the best checkpoint: its epoch and the metrics that were validated for it.',
  check(record) {
    const run = plainRun(record, 'train')
    const result = run?.job.result
    if (run?.job.state !== 'succeeded' || result?.operation !== 'train') return []
    const findings: RuleFinding[] = []
    const report = (subject: string, message: string) => findings.push({ message: `train: ${message}`, subject })
    const better = findBetter(run, result.metrics)
    if (better !== undefined) report('metric', better)
    const { bestEpoch } = result
    if (bestEpoch !== undefined && run.epochs !== undefined && bestEpoch > run.epochs)
      report('epoch', `the best epoch of the result is ${bestEpoch}, but training had ${run.epochs}`)
    return findings
  },
}

/** A primary metric in the result that is better than each one that was validated. */
function findBetter(run: OperationRecord, metrics: Readonly<Record<string, unknown>>): string | undefined {
  const { name, goal } = run.job.primaryMetric
  const value = metrics[name]
  const validated = eventsOf(run, 'validation').flatMap((event) => metricOf(event, name))
  if (typeof value !== 'number' || validated.length === 0) return undefined
  const best = goal === 'minimize' ? Math.min(...validated) : Math.max(...validated)
  const margin = TOLERANCE * Math.max(1, Math.abs(best))
  if (goal === 'minimize' ? value >= best - margin : value <= best + margin) return undefined
  return `the result has ${name} ${value}, but the best that was validated is ${best}`
}

function metricOf({ body }: StoredEvent, name: string): number[] {
  const primary = body.primary as { name?: unknown; value?: unknown } | undefined
  const others = body.metrics as Record<string, unknown> | undefined
  const value = primary?.name === name ? primary.value : others?.[name]
  return typeof value === 'number' ? [value] : []
}
