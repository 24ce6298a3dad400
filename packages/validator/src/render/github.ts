import type { Finding, ValidationReport } from '@trainyard/contract'
import { describeStatus, MANIFEST, nameTrainer, openFindings } from './describe-report.ts'

const COMMAND = { error: 'error', warning: 'warning', info: 'notice' } as const satisfies Record<
  Finding['severity'],
  string
>

/** Workflow commands of GitHub Actions: each finding becomes an annotation at its line. */
export function renderGithub(report: ValidationReport): string {
  const lines = report.checks.flatMap((check) => {
    const found = openFindings(check).map(renderFinding)
    if (check.status === 'errored') found.push(`::error title=${property(check.name)}::${data(describeStatus(check))}`)
    if (check.status === 'skipped') found.push(`::notice title=${property(check.name)}::${data(describeStatus(check))}`)
    return found
  })
  lines.push(data(`${nameTrainer(report)} ${report.verdict} (profile ${report.profile}, seed ${report.seed})`))
  return `${lines.join('\n')}\n`
}

function renderFinding({ code, severity, message, help, file, line, column }: Finding): string {
  const place = { file: file ?? MANIFEST, line: line ?? 1, col: column, title: code }
  const properties = Object.entries(place).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${property(String(value))}`],
  )
  return `::${COMMAND[severity]} ${properties.join(',')}::${data(`${message}. ${help}`)}`
}

/** A line break would end the command, and what follows could be another one. */
function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
}
