import type { CheckPhase, CheckResult, Finding, Severity, ValidationReport } from '@trainyard/contract'

export type Profile = ValidationReport['profile']

/** When a profile fails a trainer. */
interface ProfileRules {
  /** Findings of at least this severity fail the trainer. */
  readonly threshold: Severity
  /** Phases that must run. */
  readonly required: readonly CheckPhase[]
  /** Whether required phases must run even if the caller requested only other phases. */
  readonly strict: boolean
}

/** The registry uses `marketplace`. `ci` also fails on warnings, so it is never more lenient about findings. */
export const PROFILES: Readonly<Record<Profile, ProfileRules>> = {
  author: { threshold: 'error', required: [], strict: false },
  ci: { threshold: 'warning', required: ['static', 'security', 'compliance'], strict: false },
  marketplace: { threshold: 'error', required: ['static', 'security', 'compliance'], strict: true },
}

/** The name of each phase's check in a report. */
export const CHECK_NAMES = {
  static: 'manifest',
  security: 'secrets',
  compliance: 'compliance',
} as const satisfies Record<CheckPhase, string>

/** `interrupted` is the exit code that shells use for Ctrl-C. */
export const EXIT_CODE = { passed: 0, findings: 1, usage: 2, toolFailed: 3, interrupted: 130 } as const

const RANK: Readonly<Record<Severity, number>> = { info: 0, warning: 1, error: 2 }

/** Whether a finding is severe enough to fail a trainer. */
export function fails({ severity, suppressed }: Pick<Finding, 'severity' | 'suppressed'>, profile: Profile): boolean {
  return suppressed === undefined && RANK[severity] >= RANK[PROFILES[profile].threshold]
}

/** The phases that must run. `requested` are the phases of `--phase`, `required` those of `--require`. */
export function requiredPhases(profile: Profile, requested: readonly CheckPhase[], required: readonly CheckPhase[]) {
  const { required: own, strict } = PROFILES[profile]
  return new Set<CheckPhase>([...own.filter((phase) => strict || requested.includes(phase)), ...required])
}

/** The verdict over all checks. A check that errored, or a required check that did not run, fails the trainer. */
export function judge(checks: readonly CheckResult[], profile: Profile, required: ReadonlySet<CheckPhase>) {
  const names = new Set<string>([...required].map((phase) => CHECK_NAMES[phase]))
  const passed = checks.every((check) => {
    if (check.findings.some((finding) => fails(finding, profile))) return false
    return check.status === 'passed' || (check.status === 'skipped' && !names.has(check.name))
  })
  return passed ? 'passed' : 'failed'
}

/** The exit code of the program. Findings take precedence over a check that errored. */
export function exitCodeOf(report: ValidationReport): number {
  if (report.verdict === 'passed') return EXIT_CODE.passed
  const found = report.checks.some((check) => check.findings.some((finding) => fails(finding, report.profile)))
  const errored = report.checks.some((check) => check.status === 'errored')
  return errored && !found ? EXIT_CODE.toolFailed : EXIT_CODE.findings
}
