import type { Finding, ValidationReport } from '@trainyard/contract'
import { MANIFEST, openFindings } from './describe-report.ts'

const SEVERITY = { error: 'major', warning: 'minor', info: 'info' } as const satisfies Record<
  Finding['severity'],
  string
>

/** GitLab's code quality report. It has no place for a check that did not run: the exit code shows that. */
export function renderGitlab(report: ValidationReport): string {
  const issues = report.checks.flatMap((check) =>
    openFindings(check).map(({ code, severity, message, help, file, line, fingerprint }) => ({
      description: `${message}. ${help}`,
      check_name: code,
      fingerprint,
      severity: SEVERITY[severity],
      location: { path: file ?? MANIFEST, lines: { begin: line ?? 1 } },
    })),
  )
  return `${JSON.stringify(issues, undefined, 2)}\n`
}
