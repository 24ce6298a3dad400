import type { CheckResult, Finding, TimelineEntry, ValidationReport } from '@trainyard/contract'
import { formatDuration } from '@trainyard/contract/format'
import { describeStatus, escapeMarkup as e, nameTrainer } from './describe-report.ts'

const STYLE = `
:root{color-scheme:light dark;--line:#8884;--soft:light-dark(#666,#aaa);--bad:light-dark(#b71c1c,#ff8a80);--good:light-dark(#1b6e20,#81c784);--mid:light-dark(#8a5200,#ffb74d)}
body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem}
h1{overflow-wrap:anywhere}table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid var(--line)}
td{overflow-wrap:anywhere}td:first-child{white-space:nowrap}.failed,.error,.errored{color:var(--bad)}.passed{color:var(--good)}.warning,.skipped,.fault td{color:var(--mid)}
.noted td{border-bottom:0}.note td{white-space:normal;padding-top:0;color:var(--soft);font-size:.9em}small,.soft{color:var(--soft)}
code{font-size:.9em}summary{cursor:pointer}.kind{white-space:nowrap}.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
@media(max-width:40rem){th,td{padding:.3rem}}`

/** One page without scripts or other files: the checks, the findings, and every exchange of the compliance run. */
export function renderHtml(report: ValidationReport): string {
  const findings = report.checks.flatMap((check) => check.findings)
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${e(nameTrainer(report))}: ${report.verdict}</title><style>${STYLE}</style></head><body>
<h1>${e(nameTrainer(report))} <span class="${report.verdict}">${report.verdict}</span></h1>
<p>Profile ${report.profile}, seed ${report.seed}, ${formatDuration(report.durationMs)}</p>
${renderRun(report)}<h2>Checks</h2>
<table><tr><th>check</th><th>result</th><th class="number">time</th><th class="number">findings</th></tr>
${report.checks.map(renderCheck).join('\n')}
</table>
${findings.length === 0 ? '' : renderFindings(findings)}
${report.timeline.length === 0 ? '' : renderTimeline(report.timeline)}
</body></html>
`
}

/** With which versions and limits, and on which machine. */
function renderRun({ run }: ValidationReport): string {
  if (run === undefined) return ''
  const { version, node, machine, timeoutSeconds, sandbox, phases, only, require, target } = run
  const parts = [
    `Validator ${version}, Node ${node}`,
    `${machine.platform} ${machine.arch}, ${machine.cpus} processors, ${machine.memoryMb} MB`,
    `time limit ${timeoutSeconds} s`,
    `sandbox ${sandbox}`,
    ...(target?.digest === undefined ? [] : [`target ${target.digest}`]),
    ...(phases === undefined ? [] : [`only the phases ${phases.join(', ')}`]),
    ...(only.length === 0 ? [] : [`only the rules ${only.join(', ')}`]),
    ...(require.length === 0 ? [] : [`required: ${require.join(', ')}`]),
  ]
  return `<p class="soft">${e(parts.join('; '))}</p>\n`
}

function renderCheck(check: CheckResult): string {
  const time = check.durationMs === undefined ? '' : formatDuration(check.durationMs)
  const notes = check.notes ?? []
  const row = `<tr${notes.length === 0 ? '' : ' class="noted"'}><td>${e(check.name)}</td><td class="${check.status}">${e(describeStatus(check))}</td><td class="number">${time}</td><td class="number">${check.findings.length}</td></tr>`
  return notes.length === 0
    ? row
    : `${row}\n<tr class="note"><td colspan="4">${notes.map((note) => e(note)).join('<br>')}</td></tr>`
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
  const rows = timeline
    .toSorted((a, b) => a.offsetMs - b.offsetMs)
    .map(
      ({ offsetMs, kind, summary, status, durationMs }) =>
        `<tr class="${kind}"><td class="number">${(offsetMs / 1000).toFixed(3)} s</td><td class="kind">${kind}</td><td>${e(summary)}</td><td class="number">${status ?? ''}</td><td class="number">${durationMs === undefined ? '' : `${durationMs} ms`}</td></tr>`,
    )
  return `<h2>Timeline</h2>
<details><summary>${timeline.length} exchanges and observations of the compliance run. Secrets are masked.</summary>
<table><tr><th class="number">at</th><th>kind</th><th>what</th><th class="number">status</th><th class="number">time</th></tr>
${rows.join('\n')}
</table></details>`
}
