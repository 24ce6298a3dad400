import type { CheckResult, Finding, Severity, ValidationReport } from '@trainyard/contract'
import { formatDuration } from '@trainyard/contract/format'
import { exitCodeOf, fails } from '../verdict.ts'
import { openFindings } from './describe-report.ts'

export interface PrettyOptions {
  /** Whether to use ANSI colours. Default: false. */
  color?: boolean | undefined
  /** Omits the checks, for a terminal that has shown them already. Default: false. */
  summaryOnly?: boolean | undefined
}

const COLORS = { red: 31, green: 32, yellow: 33, blue: 34, dim: 2, bold: 1 } as const
type Paint = (color: keyof typeof COLORS, text: string) => string

const SEVERITY_COLOR = { error: 'red', warning: 'yellow', info: 'blue' } as const satisfies Record<
  Severity,
  keyof typeof COLORS
>

/** Renders a report for people: a line for each check and finding, and a summary that matches the exit code. */
export function renderPretty(
  report: ValidationReport,
  { color = false, summaryOnly = false }: PrettyOptions = {},
): string {
  const paint = painter(color)
  const lines: string[] = []
  if (!summaryOnly) for (const check of report.checks) lines.push(...renderCheck(check, { color }))
  lines.push('', ...renderSummary(report, paint))
  return `${lines.join('\n')}\n`
}

/** Renders the lines of one finished check. */
export function renderCheck(check: CheckResult, { color = false }: Pick<PrettyOptions, 'color'> = {}): string[] {
  const paint = painter(color)
  const took = check.durationMs === undefined ? '' : paint('dim', ` ${formatDuration(check.durationMs)}`)
  const reason = check.reason === undefined ? '' : `: ${printable(check.reason)}`
  return [
    `${mark(check, paint)} ${paint('bold', check.name)}${took}${reason}`,
    ...(check.notes ?? []).map((note) => `    ${paint('dim', printable(note))}`),
    ...check.findings.map((finding) => renderFinding(finding, paint)),
  ]
}

function mark({ status }: CheckResult, paint: Paint): string {
  if (status === 'passed') return paint('green', '✔ passed ')
  if (status === 'failed') return paint('red', '✖ failed ')
  if (status === 'errored') return paint('red', '✖ errored')
  return paint('yellow', `– ${status}`)
}

function renderFinding(finding: Finding, paint: Paint): string {
  const { code, severity, file, line, column } = finding
  const position = [file && printable(file), line, column].filter((part) => part !== undefined).join(':')
  const where = position === '' ? '' : `${position} `
  if (finding.suppressed)
    return paint(
      'dim',
      `    ignored ${code} ${where}${printable(finding.message)} → ${printable(finding.suppressed.reason)}`,
    )
  const level = paint(SEVERITY_COLOR[severity], severity)
  return `    ${level} ${code} ${where}${printable(finding.message)} ${paint('dim', `→ ${printable(finding.help)}`)}`
}

function renderSummary(report: ValidationReport, paint: Paint): string[] {
  const findings = report.checks.flatMap(openFindings)
  const ignored = report.checks.flatMap((check) => check.findings).length - findings.length
  const count = (severity: Severity) => findings.filter((finding) => finding.severity === severity).length
  const counted = [
    plural(count('error'), 'error'),
    plural(count('warning'), 'warning'),
    plural(count('info'), 'note'),
    ...(ignored === 0 ? [] : [`${ignored} ignored`]),
  ].join(', ')
  const subject = report.trainer ? printable(`${report.trainer.name} ${report.trainer.version}`) : 'The trainer'
  const passed = report.verdict === 'passed'
  const verdict = passed ? paint('green', 'passed') : paint('red', 'failed')
  const lines = [
    `${subject} ${verdict} (profile ${report.profile}, seed ${report.seed}, ${formatDuration(report.durationMs)})`,
  ]
  lines.push(`${counted}${whyFailed(report)}`)
  const skipped = report.checks.filter((check) => check.status === 'skipped').map((check) => check.name)
  if (skipped.length > 0) lines.push(paint('yellow', `not checked: ${skipped.join(', ')}`))
  const pages = new Set(findings.filter((finding) => fails(finding, report.profile)).map((finding) => finding.docsUrl))
  for (const url of pages) lines.push(paint('dim', `  ${url}`))
  if (!passed) lines.push(paint('dim', `exit code ${exitCodeOf(report)}`))
  return lines
}

function whyFailed(report: ValidationReport): string {
  if (report.verdict === 'passed') return ''
  const failing = report.checks.flatMap((check) => check.findings).filter((finding) => fails(finding, report.profile))
  if (failing.length > 0) return `; ${failing.length} of them ${failing.length === 1 ? 'fails' : 'fail'} the trainer`
  const errored = report.checks.filter((check) => check.status === 'errored').map((check) => check.name)
  if (errored.length > 0) return `; these checks could not be completed: ${errored.join(', ')}`
  return '; a required check did not run'
}

function painter(color: boolean): Paint {
  return (name, text) => (color ? `\u001b[${COLORS[name]}m${text}\u001b[0m` : text)
}

/** Replaces control characters and line breaks in texts of the trainer, which could otherwise control the terminal. */
function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced here
  return text.replace(/\s*[\r\n]+\s*/g, ' ⏎ ').replace(/[\u0000-\u001f\u007f-\u009f]/g, '�')
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`
}
