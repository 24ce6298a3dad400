import type { TrainerDefinition } from './define-trainer.ts'
import type { RunTrainerOptions } from './lifecycle/run-operation.ts'

export type { RunTrainerOptions } from './lifecycle/run-operation.ts'

/**
 * Runs the handler for `OPERATION` and manages its life cycle. Without `CALLBACK_URL` in the environment it runs locally. Resolves
 * with the exit code, which it also assigns to `process.exitCode`. Never throws, and never ends the process.
 */
export async function runTrainer(trainer: TrainerDefinition, options: RunTrainerOptions = {}): Promise<number> {
  const { runOperation } = await import('./lifecycle/run-operation.ts')
  return runOperation(trainer, options)
}
