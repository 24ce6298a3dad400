import type { createHash } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'

/** A hash that is computed in another thread. */
export interface ThreadHash {
  /** Resolves when the bytes were hashed: until then they must not change. They must lie in shared memory. */
  update(bytes: Uint8Array): Promise<void>
  /** In hex. Ends the hash. */
  digest(): Promise<string>
  /** Ends a hash whose digest is not needed. */
  abandon(): void
}

/** More threads would only compete with the event loop. */
const MAX_THREADS = 4

type Order = { id: number; bytes: Uint8Array } | { id: number; algorithm: string } | { id: number; end: true }

/** `digest` is missing in the answer to bytes. */
interface Answer {
  id: number
  digest?: string | undefined
}

interface Waiting {
  resolve: (digest: string) => void
  reject: (error: Error) => void
}

class HashThread {
  readonly #worker: Worker
  /** The answers come in the order of the orders. */
  readonly #waiting: Waiting[] = []
  ended: Error | undefined

  constructor() {
    // From the text of a function: there is no second program to find. It needs no variable of the environment.
    this.#worker = new Worker(`(${hashInThread.toString()})()`, { eval: true, execArgv: [], env: {} })
    this.#worker.on('message', ({ digest = '' }: Answer) => {
      this.#waiting.shift()?.resolve(digest)
      if (this.#waiting.length === 0) this.#worker.unref()
    })
    const end = (error: Error) => {
      this.ended ??= error
      for (const { reject } of this.#waiting.splice(0)) reject(error)
    }
    this.#worker.on('error', end)
    this.#worker.on('exit', () => end(new Error('the thread that hashes has ended')))
    this.#worker.unref()
  }

  get load(): number {
    return this.#waiting.length
  }

  ask(order: Order): Promise<string> {
    if (this.ended !== undefined) return Promise.reject(this.ended)
    // While it works, it keeps the process alive.
    if (this.#waiting.length === 0) this.#worker.ref()
    const answer = new Promise<string>((resolve, reject) => this.#waiting.push({ resolve, reject }))
    this.#worker.postMessage(order)
    return answer
  }

  tell(order: Order): void {
    if (this.ended === undefined) this.#worker.postMessage(order)
  }
}

const threads: HashThread[] = []
let lastId = 0

/** Starts a hash (`sha256` or `sha512`) in the thread that has the least to do. */
export function createThreadHash(algorithm: string): ThreadHash {
  const thread = pickThread()
  const id = ++lastId
  thread.tell({ id, algorithm })
  return {
    update: async (bytes) => void (await thread.ask({ id, bytes })),
    digest: () => thread.ask({ id, end: true }),
    abandon: () => void thread.ask({ id, end: true }).catch(() => undefined),
  }
}

function pickThread(): HashThread {
  for (const [index, thread] of threads.entries()) if (thread.ended !== undefined) threads.splice(index, 1)
  const idle = threads.find(({ load }) => load === 0)
  if (idle !== undefined) return idle
  if (threads.length < Math.min(availableParallelism(), MAX_THREADS)) {
    const started = new HashThread()
    threads.push(started)
    return started
  }
  return threads.reduce((best, thread) => (thread.load < best.load ? thread : best))
}

/** Runs in the thread from its source text, so it must not use anything from the enclosing module. */
function hashInThread(): void {
  const { createHash: create } = process.getBuiltinModule('node:crypto')
  const { parentPort } = process.getBuiltinModule('node:worker_threads')
  const hashes = new Map<number, ReturnType<typeof createHash>>()
  parentPort?.on('message', (order: Order) => {
    const { id } = order
    if ('algorithm' in order) return hashes.set(id, create(order.algorithm))
    if ('bytes' in order) {
      hashes.get(id)?.update(order.bytes)
      return parentPort.postMessage({ id })
    }
    parentPort.postMessage({ id, digest: hashes.get(id)?.digest('hex') ?? '' })
    return hashes.delete(id)
  })
}
