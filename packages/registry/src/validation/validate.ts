import type { CheckPhase, CheckResult, ValidationReport } from '@trainyard/contract'
import type { LoadedImage } from '@trainyard/validator'

/** An image that was loaded into the container engine of this machine. */
export interface ImageToValidate {
  loaded: LoadedImage
  /** The `DOCKER_…` variables, and the mark, with which it was loaded. */
  env: Readonly<Record<string, string>>
  instanceId: string
}

export interface ValidateOptions {
  /** The folder of the unpacked trainer. It is not read for an image. */
  dir: string
  /** Its compliance run is the only phase. Default: the trainer is the folder. */
  image?: ImageToValidate | undefined
  phases: readonly CheckPhase[]
  /** Aborted when the registry stops or the lease is lost. The function must then stop and leave no process behind. */
  signal: AbortSignal
  /** Called with each check when it starts and when it ends. */
  onCheck(check: CheckResult): void
}

/** Validates an unpacked trainer, or runs a loaded image. The default forks a process; tests pass their own function. */
export type ValidateFunction = (options: ValidateOptions) => Promise<ValidationReport>
