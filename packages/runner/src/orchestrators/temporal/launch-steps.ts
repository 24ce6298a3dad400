import { endsWithin } from '@trainyard/platform'
import type { LaunchVerb } from '../../supervisor/launch-stage.ts'

/** One launch whose steps begin when they are allowed to, in a process that runs all of them. */
export class LaunchSteps {
  readonly #allowed = { prepare: Promise.withResolvers<void>(), launch: Promise.withResolvers<void>() }
  readonly #reached = { prepare: Promise.withResolvers<boolean>(), launch: Promise.withResolvers<boolean>() }
  #ended: Promise<boolean>
  #hasEnded = false

  /** @param waitMs a step that is not allowed within this time begins anyway: the orchestrator may be away for long */
  constructor(start: (before: (verb: LaunchVerb) => Promise<void>) => Promise<void>, waitMs: number) {
    const before = async (verb: LaunchVerb) => {
      this.#reached[verb].resolve(true)
      await endsWithin(waitMs, this.#allowed[verb].promise)
    }
    this.#ended = start(before).then(() => {
      this.#hasEnded = true
      return false
    })
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** Allows a step. */
  allow(verb: LaunchVerb): void {
    this.#allowed[verb].resolve()
  }

  /** Resolves to true when the step could begin, and to false when the launch has ended before. */
  async reached(verb: LaunchVerb): Promise<boolean> {
    return await Promise.race([this.#reached[verb].promise, this.#ended])
  }

  /** Resolves when the launch has ended. */
  async ended(): Promise<void> {
    await this.#ended
  }
}
