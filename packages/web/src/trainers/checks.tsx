import type { CheckProgress, CheckResult, Finding } from '@trainyard/contract'
import { CheckStatusStatus, SeverityStatus } from '../components/status.tsx'
import { formatBytes, formatDuration, plural } from '../format.ts'
import { Sentence } from '../words/sentence.tsx'
import { t } from '../words/t.ts'

/** The result of each check of a version. A skipped check is never shown as passed. */
export function Checks({ checks }: { checks: readonly CheckResult[] }) {
  if (checks.length === 0) return <p class="muted">{t('This version has no check results yet.')}</p>
  return (
    <ul class="checks">
      {checks.map((check) => (
        <li>
          <div class="check-head">
            <h3>{check.name}</h3>
            <CheckStatusStatus status={check.status} />
            <span class="muted">
              {[
                check.findings.length > 0
                  ? plural(check.findings.length, '{count} finding', '{count} findings')
                  : undefined,
                check.durationMs === undefined ? undefined : formatDuration(check.durationMs),
              ]
                .filter((part) => part !== undefined)
                .join(' · ')}
            </span>
          </div>
          {check.progress !== undefined && <p class="muted">{describeProgress(check.progress)}</p>}
          {check.rescannedAt !== undefined && (
            <p class="muted">
              {t('Scanned again after it was published, on {day}.', { day: check.rescannedAt.slice(0, 10) })}
            </p>
          )}
          {check.reason !== undefined && <p class="check-reason">{check.reason}</p>}
          {check.omittedFindings !== undefined && (
            <p class="muted">
              {t('{counted} not shown, the least severe ones.', {
                counted: plural(check.omittedFindings, '{count} more finding', '{count} more findings'),
              })}
            </p>
          )}
          {check.findings.length > 0 && (
            <ul class="findings">
              {check.findings.map((finding) => (
                <FindingItem finding={finding} />
              ))}
            </ul>
          )}
        </li>
      ))}
    </ul>
  )
}

function describeProgress({ done, total, unit, what }: CheckProgress): string {
  const shown = (count: number) => (unit === 'bytes' ? formatBytes(count) : `${count} ${unit}`)
  return [what, total === undefined ? shown(done) : t('{done} of {total}', { done: shown(done), total: shown(total) })]
    .filter((part) => part !== undefined)
    .join(': ')
}

function FindingItem({ finding }: { finding: Finding }) {
  const place = [finding.file, finding.line, finding.column].filter((part) => part !== undefined).join(':')
  return (
    <li>
      <p class="finding-head">
        <SeverityStatus severity={finding.severity} />
        <RuleLink finding={finding} />
        {place !== '' && <code class="place">{place}</code>}
        {finding.layer !== undefined && (
          <span class="muted">
            <Sentence text="layer {layer}" layer={<code class="place">{finding.layer.slice(0, 19)}</code>} />
          </span>
        )}
      </p>
      <p>{finding.message}</p>
      {finding.suppressed !== undefined && (
        <p>
          <strong>{t('Suppressed by the owner:')}</strong> {finding.suppressed.reason}
        </p>
      )}
      <p class="finding-help">
        <strong>{t('Fix:')}</strong> {finding.help}
      </p>
    </li>
  )
}

function RuleLink({ finding }: { finding: Finding }) {
  if (!/^https?:\/\//.test(finding.docsUrl)) return <code>{finding.code}</code>
  return (
    <a class="rule" href={finding.docsUrl} rel="noopener">
      {finding.code}
    </a>
  )
}
