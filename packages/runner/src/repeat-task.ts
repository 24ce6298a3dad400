export interface RepeatedTask {
  start(): void
  /** Waits for the round that is running. */
  stop(): Promise<void>
}

export interface RepeatTaskOptions {
  run(): Promise<void>
  /** Between the end of a round and the next. */
  pauseMs: number
  onError(error: unknown): void
}

/** Runs a task at intervals, never twice at the same time. Its timer does not keep the process running. */
export function repeatTask({ run, pauseMs, onError }: RepeatTaskOptions): RepeatedTask {
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> | undefined
  let stopped = false
  const round = () => {
    running = run()
      .catch(onError)
      .finally(() => {
        if (!stopped) timer = setTimeout(round, pauseMs).unref()
      })
  }
  return {
    start: round,
    async stop() {
      stopped = true
      clearTimeout(timer)
      await running
    },
  }
}
