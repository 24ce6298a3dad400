import { Client, WorkflowNotFoundError } from '@temporalio/client'
import type { Priority } from '@temporalio/common'
import { type NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker'
import type { Logger } from '@trainyard/platform'
import type { TemporalConfig } from '../../config/orchestrators.ts'
import { connect } from './connect.ts'
import type { JobInput } from './verbs.ts'
import { workflowBundle } from './workflow-bundle.ts'

/** Attempts of one process. Each waits in an activity, which costs a heartbeat now and then. */
const ACTIVITIES = 10_000
const CACHED_WORKFLOWS = 1000
const SIGNAL_MS = 10_000

export interface SessionOptions {
  logger: Logger
  /** The task queue of workflows. */
  shared: string
  /** Verbs by task queue. */
  verbs: Readonly<Record<string, object>>
}

export interface SignalOptions {
  name: string
  values: unknown[]
  jobId: number
  /** Does not start a workflow. */
  isOver?: boolean | undefined
  priority?: Priority | undefined
}

/** A connection to Temporal, with the workers of this process on it. */
export class Session {
  readonly #connection: NativeConnection
  readonly #client: Client
  readonly #workers: readonly Worker[]
  readonly #shared: string

  private constructor(connection: NativeConnection, client: Client, workers: readonly Worker[], shared: string) {
    this.#connection = connection
    this.#client = client
    this.#workers = workers
    this.#shared = shared
  }

  static async open(config: TemporalConfig, { logger, shared, verbs }: SessionOptions): Promise<Session> {
    const { namespace } = config
    const connection = await connect(config, logger)
    try {
      const codePath = await workflowBundle()
      const workers = await Promise.all(
        Object.entries(verbs).map(([taskQueue, activities]) => {
          const options: WorkerOptions = {
            connection,
            namespace,
            taskQueue,
            activities,
            maxConcurrentActivityTaskExecutions: ACTIVITIES,
            // A heartbeat is only sent this often, whatever the process does.
            maxHeartbeatThrottleInterval: '5 s',
          }
          if (taskQueue === shared)
            Object.assign(options, {
              workflowBundle: { codePath },
              maxCachedWorkflows: CACHED_WORKFLOWS,
              workflowThreadPoolSize: 1,
            } satisfies Partial<WorkerOptions>)
          return Worker.create(options)
        }),
      )
      return new Session(connection, new Client({ connection, namespace }), workers, shared)
    } catch (error) {
      await connection.close()
      throw error
    }
  }

  /** Until it is aborted, or a worker fails. */
  async run(signal: AbortSignal): Promise<void> {
    const shutdown = () => {
      for (const worker of this.#workers) if (worker.getState() === 'RUNNING') worker.shutdown()
    }
    const runs = this.#workers.map((worker) => worker.run())
    signal.addEventListener('abort', shutdown, { once: true })
    if (signal.aborted) shutdown()
    try {
      await Promise.race(runs)
    } finally {
      signal.removeEventListener('abort', shutdown)
      shutdown()
      await Promise.allSettled(runs)
      await this.#connection.close()
    }
  }

  async signal(workflowId: string, { name, values, jobId, isOver, priority = {} }: SignalOptions): Promise<void> {
    const { workflow } = this.#client
    await this.#client.withDeadline(Date.now() + SIGNAL_MS, async () => {
      if (isOver !== true) {
        const input: JobInput = { jobId }
        await workflow.signalWithStart('trainyardJob', {
          workflowId,
          taskQueue: this.#shared,
          args: [input],
          signal: name,
          signalArgs: values,
          priority,
        })
        return
      }
      try {
        await workflow.getHandle(workflowId).signal(name, ...values)
      } catch (error) {
        // Its workflow has ended, too.
        if (!(error instanceof WorkflowNotFoundError)) throw error
      }
    })
  }
}
