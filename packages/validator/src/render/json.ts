import type { ValidationReport } from '@trainyard/sdk/contract'

/** The report as the registry stores it. */
export function renderJson(report: ValidationReport): string {
  return `${JSON.stringify(report, undefined, 2)}\n`
}
