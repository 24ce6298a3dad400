import type { CheckResult, Finding, ValidationReport } from '@trainyard/contract'
import { fails } from '../verdict.ts'
import { describeStatus, escapeMarkup, nameTrainer, openFindings } from './describe-report.ts'

/** JUnit XML: a suite for each check, a case for each finding, and a case for a check without findings. */
export function renderJunit(report: ValidationReport): string {
  const suites = report.checks.map((check) => renderSuite(check, report))
  const total = (key: 'tests' | 'failures' | 'errors' | 'skipped') => suites.reduce((sum, suite) => sum + suite[key], 0)
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="${escapeMarkup(nameTrainer(report))}" tests="${total('tests')}" failures="${total('failures')}" errors="${total('errors')}" skipped="${total('skipped')}" time="${seconds(report.durationMs)}">
${suites.map(({ text }) => text).join('\n')}
</testsuites>
`
}

function renderSuite(check: CheckResult, { profile }: ValidationReport) {
  const cases = openFindings(check).map((finding) => renderFinding(check.name, finding, profile))
  const failures = check.findings.filter((finding) => fails(finding, profile)).length
  const errors = check.status === 'errored' ? 1 : 0
  const skipped = check.status === 'skipped' ? 1 : 0
  if (errors + skipped > 0 || cases.length === 0) cases.push(renderState(check))
  const counts = { tests: cases.length, failures, errors, skipped }
  const attributes = Object.entries(counts).map(([name, count]) => `${name}="${count}"`)
  const time = seconds(check.durationMs ?? 0)
  const text = [
    `  <testsuite name="${escapeMarkup(check.name)}" ${attributes.join(' ')} time="${time}">`,
    ...cases,
    '  </testsuite>',
  ]
  return Object.assign(counts, { text: text.join('\n') })
}

function renderFinding(check: string, finding: Finding, profile: ValidationReport['profile']): string {
  const { code, message, file, line, help, docsUrl, severity } = finding
  const place = file === undefined ? '' : `${file}${line === undefined ? '' : `:${line}`} `
  const attributes = `classname="trainyard.${escapeMarkup(check)}" name="${escapeMarkup(`${code} ${place}${message}`)}"`
  const body = escapeMarkup(`${place}${message}\n${help}\n${docsUrl}`)
  if (!fails(finding, profile))
    return `    <testcase ${attributes}><system-out>${severity}: ${body}</system-out></testcase>`
  return `    <testcase ${attributes}><failure type="${code}" message="${escapeMarkup(message)}">${body}</failure></testcase>`
}

function renderState(check: CheckResult): string {
  const attributes = `classname="trainyard.${escapeMarkup(check.name)}" name="${escapeMarkup(check.name)}"`
  const reason = escapeMarkup(describeStatus(check))
  if (check.status === 'skipped') return `    <testcase ${attributes}><skipped message="${reason}"/></testcase>`
  if (check.status === 'errored') return `    <testcase ${attributes}><error message="${reason}"/></testcase>`
  return `    <testcase ${attributes}/>`
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3)
}
