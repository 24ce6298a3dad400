import { TrainerError } from '@trainyard/contract/trainer-errors'
import { describeThrown } from '../util/describe-thrown.ts'

/**
 * The calls of a job that return a promise. The job ends only after all of them have settled, and a failure that the trainer
 * neither awaited nor caught fails the job with the name of the call.
 */
export class PendingCalls {
  readonly #running = new Set<Promise<unknown>>()
  /** The promises that the trainer received. */
  readonly #names = new WeakMap<Promise<unknown>, string>()
  readonly #unhandled = new Map<Promise<unknown>, unknown>()

  /** Returns a promise for the trainer. It is another one than `work`, so that Node notices when nothing handles it. */
  track<T>(name: string, work: Promise<T>): Promise<T> {
    const forTrainer = work.then((value) => value)
    this.#names.set(forTrainer, name)
    this.#running.add(work)
    const done = () => this.#running.delete(work)
    work.then(done, done)
    return forTrainer
  }

  /** Resolves when every call has settled, those included that begin meanwhile, or when `signal` aborts. */
  async settled(signal?: AbortSignal): Promise<void> {
    const aborted = new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }))
    do {
      await Promise.race([Promise.allSettled(this.#running), aborted])
      // Node reports unhandled rejections after the promises of this turn have run.
      await new Promise((resolve) => setImmediate(resolve))
    } while (this.#running.size > 0 && signal?.aborted !== true)
  }

  /** Takes an unhandled rejection. False when the promise is not one of these calls. */
  takeUnhandled(promise: Promise<unknown>, error: unknown): boolean {
    if (!this.#names.has(promise)) return false
    this.#unhandled.set(promise, error)
    return true
  }

  /** The trainer handled the rejection later, for example by an `await` at the end of an epoch. */
  takeHandled(promise: Promise<unknown>): void {
    this.#unhandled.delete(promise)
  }

  /** Throws the first failure that nothing handled. Its message names the call. */
  throwUnhandled(): void {
    const [first] = this.#unhandled
    if (first === undefined) return
    const [promise, error] = first
    const name = this.#names.get(promise) ?? 'A call'
    const why = describeThrown(error)
    const message = why.startsWith(`${name}:`) ? why : `${name} failed: ${why}`
    throw withMessage(error, `${message} (the trainer did not await it)`)
  }
}

/** The same type of error, so that it is reported and retried like the original. */
function withMessage(error: unknown, message: string): Error {
  if (!(error instanceof TrainerError)) return new Error(message, { cause: error })
  const Type = error.constructor as new (
    message: string,
    options: { cause: unknown; retryable: boolean },
  ) => TrainerError
  return new Type(message, { cause: error, retryable: error.retryable })
}
