import type { TrainerDefinition } from './define-trainer.ts'

/** What {@link runTrainer} and {@link reportStarted} take from the process unless told otherwise. */
export interface RunTrainerOptions {
  /** Default: `process.env`. */
  env?: Readonly<Record<string, string | undefined>>
  /** Arguments of a local run, without program and script. Default: `process.argv.slice(2)`. */
  argv?: readonly string[]
  /**
   * How long the end of the job may take to reach the platform, in milliseconds. After it the process ends with exit code
   * 2 and its journal stays on disk. Default: 120,000 after `completed`, 60,000 after `failed`, 8,000 after a cancel.
   */
  closeTimeoutMs?: number
}

/**
 * Runs the handler for `OPERATION` and owns the life cycle around it. Resolves with the exit code, which is also set as
 * `process.exitCode`; it never throws and never ends the process itself. With no `CALLBACK_URL` it runs locally.
 */
export async function runTrainer(trainer: TrainerDefinition, options: RunTrainerOptions = {}): Promise<number> {
  const { runOperation } = await import('./lifecycle/run-operation.ts')
  return runOperation(trainer, options)
}
