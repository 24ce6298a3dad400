import type { ValidationReport } from '@trainyard/contract'

/** The report as the registry stores it. */
export function renderJson(report: ValidationReport): string {
  return `${JSON.stringify(report, undefined, 2)}\n`
}
