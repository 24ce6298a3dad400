export interface Waiting {
  signal?: AbortSignal | undefined
  onLine: (line: string) => void
}

interface Build<Result> {
  result: Promise<Result>
  abort: AbortController
  lines: string[]
  waiting: Set<Waiting>
}

/** Work that several callers wait for. It is stopped when the last of them gives up. */
export class SharedBuilds<Result> {
  readonly #current = new Map<string, Build<Result>>()

  /** Joins the work with this key, or starts it. Who joins late gets the earlier lines too. */
  async join(
    key: string,
    waiting: Waiting,
    start: (own: { signal: AbortSignal; onLine: (line: string) => void }) => Promise<Result>,
  ): Promise<Result> {
    waiting.signal?.throwIfAborted()
    let build = this.#current.get(key)
    // What is being stopped ends first: its folder is still in use.
    while (build?.abort.signal.aborted === true) {
      await build.result.catch(() => {})
      build = this.#current.get(key)
    }
    build ??= this.#start(key, start)
    const joined = build
    for (const line of joined.lines) waiting.onLine(line)
    joined.waiting.add(waiting)
    const { signal } = waiting
    // Who gives up waits until the build has stopped, if no one else waits for it.
    const leave = () => {
      joined.waiting.delete(waiting)
      if (joined.waiting.size === 0) joined.abort.abort(new Error('no one waits for the environment any more'))
      else left.reject(signal?.reason)
    }
    const left = Promise.withResolvers<never>()
    left.promise.catch(() => {})
    signal?.addEventListener('abort', leave)
    try {
      return await Promise.race([joined.result, left.promise])
    } catch (error) {
      signal?.throwIfAborted()
      throw error
    } finally {
      joined.waiting.delete(waiting)
      signal?.removeEventListener('abort', leave)
    }
  }

  #start(
    key: string,
    start: (own: { signal: AbortSignal; onLine: (line: string) => void }) => Promise<Result>,
  ): Build<Result> {
    const abort = new AbortController()
    const build: Build<Result> = {
      abort,
      lines: [],
      waiting: new Set(),
      result: Promise.reject(new Error('not started')),
    }
    build.result.catch(() => {})
    const onLine = (line: string) => {
      build.lines.push(line)
      for (const { onLine: tell } of build.waiting) tell(line)
    }
    this.#current.set(key, build)
    build.result = start({ signal: abort.signal, onLine }).finally(() => this.#current.delete(key))
    build.result.catch(() => {})
    return build
  }
}
