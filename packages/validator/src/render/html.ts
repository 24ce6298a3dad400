import type { CheckResult, Finding, TimelineEntry, ValidationReport } from '@trainyard/contract'
import { formatDuration } from '@trainyard/contract/format'
import { describeStatus, escapeMarkup as e, nameTrainer } from './describe-report.ts'

const STYLE = `
:root{color-scheme:light dark;--line:#8884;--bad:#c62828;--good:#2e7d32;--mid:#b26a00}
body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid var(--line)}
td{overflow-wrap:anywhere}td:first-child{white-space:nowrap}.failed,.error,.errored{color:var(--bad)}.passed{color:var(--good)}.warning,.skipped,.fault{color:var(--mid)}
code{font-size:.9em}summary{cursor:pointer}.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}`

/** One page without scripts or other files: the checks, the findings, and every exchange of the compliance run. */
export function renderHtml(report: ValidationReport): string {
  const findings = report.checks.flatMap((check) => check.findings)
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${e(nameTrainer(report))}: ${report.verdict}</title><style>${STYLE}</style></head><body>
<h1>${e(nameTrainer(report))} <span class="${report.verdict}">${report.verdict}</span></h1>
<p>Profile ${report.profile}, seed ${report.seed}, ${formatDuration(report.durationMs)}</p>
<h2>Checks</h2>
<table><tr><th>check</th><th>result</th><th>time</th><th>findings</th></tr>
${report.checks.map(renderCheck).join('\n')}
</table>
${findings.length === 0 ? '' : renderFindings(findings)}
${report.timeline.length === 0 ? '' : renderTimeline(report.timeline)}
</body></html>
`
}

function renderCheck(check: CheckResult): string {
  const time = check.durationMs === undefined ? '' : formatDuration(check.durationMs)
  const notes = (check.notes ?? []).map((note) => `<br><small>${e(note)}</small>`).join('')
  return `<tr><td>${e(check.name)}</td><td class="${check.status}">${e(describeStatus(check))}${notes}</td><td class="number">${time}</td><td class="number">${check.findings.length}</td></tr>`
}

function renderFindings(findings: readonly Finding[]): string {
  const rows = findings.map(({ code, severity, message, help, file, line, docsUrl, suppressed }) => {
    const place = file === undefined ? '' : `<code>${e(file)}${line === undefined ? '' : `:${line}`}</code>`
    return `<tr><td class="${severity}">${severity}</td><td><a href="${e(docsUrl)}">${code}</a></td><td>${place}</td><td>${e(message)}<br><small>${e(suppressed ? `ignored: ${suppressed.reason}` : help)}</small></td></tr>`
  })
  return `<h2>Findings</h2>
<table><tr><th></th><th>rule</th><th>where</th><th>finding</th></tr>
${rows.join('\n')}
</table>`
}

function renderTimeline(timeline: readonly TimelineEntry[]): string {
  const rows = timeline.map(
    ({ offsetMs, kind, summary, status, durationMs }) =>
      `<tr class="${kind}"><td class="number">${(offsetMs / 1000).toFixed(3)} s</td><td>${kind}</td><td>${e(summary)}</td><td class="number">${status ?? ''}</td><td class="number">${durationMs === undefined ? '' : `${durationMs} ms`}</td></tr>`,
  )
  return `<h2>Timeline</h2>
<details><summary>${timeline.length} exchanges and observations of the compliance run. Secrets are masked.</summary>
<table><tr><th>at</th><th>kind</th><th>what</th><th>status</th><th>time</th></tr>
${rows.join('\n')}
</table></details>`
}
