import type { CheckPhase, CheckResult, ValidationReport } from '@trainyard/contract'

export interface ValidateOptions {
  /** The unpacked trainer. */
  dir: string
  phases: readonly CheckPhase[]
  /** Aborted when time is up or the lease is lost: stop soon, and leave no process behind. */
  signal: AbortSignal
  /** Called with each check when it begins and when it ends. */
  onCheck(check: CheckResult): void
}

/** Judges an unpacked trainer. The default does it in a process of its own; tests give their own. */
export type ValidateFunction = (options: ValidateOptions) => Promise<ValidationReport>
