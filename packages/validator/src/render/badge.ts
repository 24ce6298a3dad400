import type { ValidationReport } from '@trainyard/contract'
import { exitCodeOf } from '../verdict.ts'

/** A badge as shields.io reads it: https://shields.io/badges/endpoint-badge. What was not checked is not shown as passed. */
export function renderBadge(report: ValidationReport): string {
  const skipped = report.checks.filter(({ status }) => status === 'skipped').length
  const passed = skipped === 0 ? 'passed' : `passed, ${skipped} not checked`
  const failed = exitCodeOf(report) === 3 ? 'errored' : 'failed'
  const isPassed = report.verdict === 'passed'
  const color = isPassed ? (skipped === 0 ? 'brightgreen' : 'yellowgreen') : 'red'
  const message = isPassed ? passed : failed
  return `${JSON.stringify({ schemaVersion: 1, label: 'trainyard', message, color })}\n`
}
