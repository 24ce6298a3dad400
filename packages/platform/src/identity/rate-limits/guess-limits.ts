import type { Kysely } from 'kysely'
import type { IdentityDatabase } from '../db/schema/index.ts'
import { type AttemptLimit, countAttempt } from './count-attempt.ts'
import { networkOf } from './network-of.ts'

const WINDOW_SECONDS = 15 * 60

/** Who guesses which secret. */
export interface Guess {
  /** Separates the counters of unrelated secrets, such as `login`. */
  purpose: string
  /** The client's address. */
  address: string
  /** The account, user name or session whose secret is guessed. */
  name: string
}

/**
 * The limits of failed guesses: 10 from one network at one name, and 100 from one network at all names. None counts a name
 * alone: anyone who knows an email could then lock its owner out.
 */
export function guessLimits({ purpose, address, name }: Guess): { pair: AttemptLimit; network: AttemptLimit } {
  const network = networkOf(address)
  return {
    pair: { key: `${purpose}:${network}:${name}`, max: 10, windowSeconds: WINDOW_SECONDS },
    network: { key: `${purpose}:${network}`, max: 100, windowSeconds: WINDOW_SECONDS },
  }
}

/**
 * Counts a guess that was wrong. For secrets that are too long to be guessed: they are checked first, so that the failures
 * of others never keep out who has the right one.
 *
 * @throws TrainyardError `rate_limited`
 */
export async function countWrongGuess(db: Kysely<IdentityDatabase>, guess: Guess): Promise<void> {
  const { pair, network } = guessLimits(guess)
  await countAttempt(db, pair)
  await countAttempt(db, network)
}
