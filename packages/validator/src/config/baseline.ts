import type { ValidationReport } from '@trainyard/contract'
import { z } from 'zod'
import { UsageError } from '../errors.ts'

const Baseline = z.object({
  version: z.literal(1),
  findings: z.array(z.object({ code: z.string(), fingerprint: z.string() })),
})

/** Findings that were known when the baseline was written, by fingerprint. */
export type Baseline = ReadonlySet<string>

/** Parses a baseline. `file` is its name, for messages. */
export function parseBaseline(text: string, file: string): Baseline {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw new UsageError(`the baseline "${file}" is not JSON; write it with --write-baseline`)
  }
  const { data } = Baseline.safeParse(json)
  if (data === undefined) throw new UsageError(`"${file}" is not a baseline; write it with --write-baseline`)
  return new Set(data.findings.map(({ fingerprint }) => fingerprint))
}

/** The findings of a report as a baseline. Sorted, so that a difference shows what changed. */
export function renderBaseline(report: ValidationReport): string {
  const findings = report.checks
    .flatMap((check) => check.findings)
    .filter(({ suppressed, fingerprint }) => suppressed?.reason === IN_BASELINE || (!suppressed && fingerprint !== ''))
    .map(({ code, fingerprint, file, message }) => ({ code, fingerprint, file, message }))
    .toSorted((a, b) => (`${a.code} ${a.file} ${a.fingerprint}` < `${b.code} ${b.file} ${b.fingerprint}` ? -1 : 1))
  return `${JSON.stringify({ version: 1, findings }, undefined, 2)}\n`
}

export const IN_BASELINE = 'in the baseline'
