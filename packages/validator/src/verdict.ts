import type { CheckPhase, CheckResult, Finding, Severity, ValidationReport } from '@trainyard/contract'

export type Profile = ValidationReport['profile']

/** What a profile makes of what was found. */
interface ProfileRules {
  /** Findings of this severity or above fail the trainer. */
  readonly threshold: Severity
  /** Phases that must have run. */
  readonly required: readonly CheckPhase[]
  /** Whether a required phase must have run even when the caller asked for other phases only. */
  readonly strict: boolean
}

/** The registry accepts what `marketplace` passes; `ci` is stricter about warnings, so that it never says less. */
export const PROFILES: Readonly<Record<Profile, ProfileRules>> = {
  author: { threshold: 'error', required: [], strict: false },
  ci: { threshold: 'warning', required: ['static', 'security', 'compliance'], strict: false },
  marketplace: { threshold: 'error', required: ['static', 'security', 'compliance'], strict: true },
}

/** Name of each phase's check in a report. */
export const CHECK_NAMES = {
  static: 'manifest',
  security: 'secrets',
  compliance: 'compliance',
} as const satisfies Record<CheckPhase, string>

/** `interrupted` is what a shell reports for Ctrl-C. */
export const EXIT_CODE = { passed: 0, findings: 1, usage: 2, toolFailed: 3, interrupted: 130 } as const

const RANK: Readonly<Record<Severity, number>> = { info: 0, warning: 1, error: 2 }

/** Whether a finding is severe enough to fail a trainer. */
export function fails(finding: Pick<Finding, 'severity'>, profile: Profile): boolean {
  return RANK[finding.severity] >= RANK[PROFILES[profile].threshold]
}

/** The phases that must have run. `asked` are the phases that the caller chose, `required` those of `--require`. */
export function requiredPhases(profile: Profile, asked: readonly CheckPhase[], required: readonly CheckPhase[]) {
  const { required: own, strict } = PROFILES[profile]
  return new Set<CheckPhase>([...own.filter((phase) => strict || asked.includes(phase)), ...required])
}

/** The verdict over all checks. A check that did not run passes nothing. */
export function judge(checks: readonly CheckResult[], profile: Profile, required: ReadonlySet<CheckPhase>) {
  const names = new Set<string>([...required].map((phase) => CHECK_NAMES[phase]))
  const passed = checks.every((check) => {
    if (check.findings.some((finding) => fails(finding, profile))) return false
    return check.status === 'passed' || (check.status === 'skipped' && !names.has(check.name))
  })
  return passed ? 'passed' : 'failed'
}

/** What the program exits with. Findings win over a tool that failed beside them: the verdict stands either way. */
export function exitCodeOf(report: ValidationReport): number {
  if (report.verdict === 'passed') return EXIT_CODE.passed
  const found = report.checks.some((check) => check.findings.some((finding) => fails(finding, report.profile)))
  const errored = report.checks.some((check) => check.status === 'errored')
  return errored && !found ? EXIT_CODE.toolFailed : EXIT_CODE.findings
}
