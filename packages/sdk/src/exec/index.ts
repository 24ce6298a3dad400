/**
 * The bridge for trainers in other languages: `trainyard exec` runs a program as a trainer.
 *
 * @module
 */

export { ExecUsageError, parseExecArguments } from './arguments.ts'
export { type ExecTrainerOptions, execTrainer } from './exec-trainer.ts'
