import type { CheckPhase, CheckResult, ValidationReport } from '@trainyard/contract'

export interface ValidateOptions {
  /** The folder of the unpacked trainer. */
  dir: string
  phases: readonly CheckPhase[]
  /** Aborted when the registry stops or the lease is lost. The function must then stop and leave no process behind. */
  signal: AbortSignal
  /** Called with each check when it starts and when it ends. */
  onCheck(check: CheckResult): void
}

/** Validates an unpacked trainer. The default forks a process; tests pass their own function. */
export type ValidateFunction = (options: ValidateOptions) => Promise<ValidationReport>
