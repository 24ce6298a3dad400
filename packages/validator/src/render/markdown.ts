import type { CheckResult, ValidationReport } from '@trainyard/contract'
import { formatDuration } from '@trainyard/contract/format'
import { describeStatus, nameTrainer, openFindings } from './describe-report.ts'

const MARK: Readonly<Record<string, string>> = { passed: '✅', failed: '❌', errored: '💥' }

/** A summary for a pull request or the summary of a job. */
export function renderMarkdown(report: ValidationReport): string {
  const lines = [
    `## ${MARK[report.verdict] ?? ''} ${cell(nameTrainer(report))} ${report.verdict}`,
    '',
    `Profile ${report.profile}, seed ${report.seed}, ${formatDuration(report.durationMs)}`,
    '',
    '| check | result | time | findings |',
    '|---|---|---|---|',
    ...report.checks.map(renderCheck),
  ]
  const findings = report.checks.flatMap(openFindings)
  if (findings.length > 0) {
    lines.push('', '| | rule | where | finding | how to fix |', '|---|---|---|---|---|')
    for (const { code, severity, message, help, file, line, docsUrl } of findings) {
      const place = file === undefined ? '' : `\`${cell(file)}${line === undefined ? '' : `:${line}`}\``
      lines.push(`| ${severity} | [${code}](${docsUrl}) | ${place} | ${cell(message)} | ${cell(help)} |`)
    }
  }
  return `${lines.join('\n')}\n`
}

function renderCheck(check: CheckResult): string {
  const time = check.durationMs === undefined ? '' : formatDuration(check.durationMs)
  const shown = ['passed', 'failed'].includes(check.status) ? check.status : describeStatus(check)
  return `| ${check.name} | ${MARK[check.status] ?? '➖'} ${cell(shown)} | ${time} | ${openFindings(check).length} |`
}

/** Texts of a trainer must not become links, images, HTML or another row. */
function cell(text: string): string {
  return text
    .replace(/\s*[\r\n]+\s*/g, ' ')
    .replace(/[\\`*_{}[\]<>()#!|~@]/g, (character) => `&#${character.codePointAt(0)};`)
}
