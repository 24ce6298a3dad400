import { TrainerName } from '@trainyard/contract'
import { UsageError } from '../errors.ts'

/** Checks the argument TRAINER of a command. */
export function requireTrainerName(trainer: string): void {
  if (!TrainerName.safeParse(trainer).success)
    throw new UsageError(`TRAINER is "${trainer}": expected NAMESPACE/NAME, such as acme/yolo`)
}
