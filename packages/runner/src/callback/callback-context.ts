import type { RunnerContext } from '../context.ts'
import type { Intake } from './intake.ts'

/** What the verbs need that store reports of trainers. */
export interface CallbackContext extends RunnerContext {
  intake: Intake
}
