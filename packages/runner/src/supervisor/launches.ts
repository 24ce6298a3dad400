import type { RunnerContext } from '../context.ts'
import { SourceChecks } from '../datasets/index.ts'
import { keyOf } from '../jobs/read-attempts.ts'
import type { AttemptRef } from '../launchers/launcher.ts'
import { AttemptTasks } from './attempt-tasks.ts'
import { type LaunchOptions, launchAttempt } from './launch-attempt.ts'
import type { LaunchInProgress } from './launch-stage.ts'

interface Launch {
  seen: LaunchInProgress
  abort: AbortController
}

/** More at once only slow each other down. The other jobs stay in the queue, where other runners can take them. */
const CONCURRENT_LAUNCHES = 16

/** The launches of this runner that are in progress. The supervisor watches them like running trainers. */
export class Launches {
  readonly #context: RunnerContext
  readonly #checks: SourceChecks
  readonly #tasks: AttemptTasks
  readonly #current = new Map<string, Launch>()

  constructor(context: RunnerContext, onDone: () => void) {
    this.#context = context
    this.#checks = new SourceChecks(context)
    this.#tasks = new AttemptTasks(context.logger, onDone)
  }

  /** How many more launches can begin now. */
  get room(): number {
    return Math.max(0, CONCURRENT_LAUNCHES - this.#tasks.keys().length)
  }

  keys(): string[] {
    return this.#tasks.keys()
  }

  /** Undefined: the attempt is not being launched here. */
  observe(ref: AttemptRef): LaunchInProgress | undefined {
    const launch = this.#current.get(keyOf(ref))
    if (launch !== undefined) return launch.seen
    // It waits for an earlier task of the same attempt.
    if (this.#tasks.has(ref)) return { state: 'launching', stage: 'starting the trainer', activeAt: undefined }
    return undefined
  }

  /**
   * Launches an attempt in the background, after an earlier launch of the same attempt. Resolves when the launch has ended.
   *
   * @param before delays a step of the launch. Default: the steps follow each other at once
   */
  async start(ref: AttemptRef, before?: LaunchOptions['before']): Promise<void> {
    await this.#tasks.start(ref, () => this.#run(ref, before))
  }

  /** Ends a launch, whatever it is doing. The attempt itself is not ended. */
  abort(ref: AttemptRef): void {
    this.#current.get(keyOf(ref))?.abort.abort(new Error('the launch was aborted'))
  }

  /** Aborts the launches that have not begun to start their trainer, and waits for the others. */
  async stop(): Promise<void> {
    for (const { seen, abort } of this.#current.values())
      if (seen.stage !== 'starting the trainer') abort.abort(new Error('the runner stops'))
    await this.#tasks.settled()
  }

  async #run(ref: AttemptRef, before: LaunchOptions['before']): Promise<void> {
    const { clock } = this.#context
    const abort = new AbortController()
    const launch: Launch = {
      seen: { state: 'launching', stage: 'checking the files of the dataset', activeAt: clock.now() },
      abort,
    }
    this.#current.set(keyOf(ref), launch)
    try {
      await launchAttempt(this.#context, ref, {
        checks: this.#checks,
        signal: abort.signal,
        before,
        onStage: (stage, isWaiting) => {
          launch.seen = { state: 'launching', stage, activeAt: isWaiting ? undefined : clock.now() }
        },
      })
    } finally {
      this.#current.delete(keyOf(ref))
    }
  }
}
