import type { ValidationReport } from '@trainyard/contract'

/** The report as JSON, followed by a newline. */
export function renderJson(report: ValidationReport): string {
  return `${JSON.stringify(report, undefined, 2)}\n`
}
