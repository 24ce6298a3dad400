import { type LeftOutField, readReport } from '@trainyard/contract'
import { invalidRequest } from '@trainyard/platform'
import type { z } from 'zod'

/** Fields whose loss would change what the report means. */
const ESSENTIAL = ['status', 'results', 'artifact_id']
const METRICS = ['metrics', 'overall_metrics', 'final_metrics']
const PRIMARY = ['primary_metric_name', 'primary_metric_value']

export interface SimpleReport<T> {
  body: T
  leftOut: LeftOutField[]
  /** The names that the sender used, by those of the schema. */
  names: ReadonlyMap<string, string>
}

/** Parses the body of a simple endpoint as far as it is valid. Throws `invalid_request` when nothing of it can be stored. */
export function readSimple<T>(schema: z.ZodObject & z.ZodType<T>, body: unknown): SimpleReport<T> {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw invalidRequest([{ path: '', detail: 'must be a JSON object', value: body }])
  const names = new Map<string, string>()
  const report = flattenMetrics(withSchemaNames(body, new Set(Object.keys(schema.shape)), names), names)
  const read = readReport(schema, report, { names, essential: ESSENTIAL })
  if (read.state === 'invalid') throw invalidRequest(read.issues)
  return { body: read.value, leftOut: read.leftOut, names }
}

/** `totalEpochs` means `total_epochs`. */
function withSchemaNames(body: object, known: ReadonlySet<string>, names: Map<string, string>) {
  const report: Record<string, unknown> = Object.create(null)
  for (const [written, value] of Object.entries(body)) {
    const snake = written.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
    const isOther = !known.has(written) && known.has(snake) && !Object.hasOwn(body, snake)
    if (isOther) names.set(snake, written)
    report[isOther ? snake : written] = value
  }
  return report
}

/** Moves what is in `extra_metrics` up, and the primary metric out of the metrics. */
function flattenMetrics(report: Record<string, unknown>, names: Map<string, string>): Record<string, unknown> {
  for (const field of METRICS) {
    const given = report[field]
    if (!isRecord(given)) continue
    const written = names.get(field) ?? field
    const metrics: Record<string, unknown> = { ...given }
    for (const name of PRIMARY) {
      if (!Object.hasOwn(metrics, name)) continue
      report[name] ??= metrics[name]
      names.set(name, `${written}.${name}`)
      delete metrics[name]
    }
    for (const name of ['extra_metrics', 'extraMetrics']) {
      const extra = metrics[name]
      if (extra !== null && !isRecord(extra)) continue
      delete metrics[name]
      for (const [key, value] of Object.entries(extra ?? {})) {
        if (Object.hasOwn(metrics, key)) continue
        metrics[key] = value
        names.set(`${field}.${key}`, `${written}.${name}.${key}`)
      }
    }
    report[field] = metrics
  }
  return report
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
