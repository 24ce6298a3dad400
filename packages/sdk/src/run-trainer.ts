import type { TrainerDefinition } from './define-trainer.ts'
import type { RunTrainerOptions } from './lifecycle/run-operation.ts'

export type { RunTrainerOptions } from './lifecycle/run-operation.ts'

/**
 * Runs the handler for `OPERATION` and owns the life cycle around it. Resolves with the exit code, which is also set as
 * `process.exitCode`; it never throws and never ends the process itself. With no `CALLBACK_URL` it runs locally.
 */
export async function runTrainer(trainer: TrainerDefinition, options: RunTrainerOptions = {}): Promise<number> {
  const { runOperation } = await import('./lifecycle/run-operation.ts')
  return runOperation(trainer, options)
}
