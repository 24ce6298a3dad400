import { type BodySink, LeanConnection, type ResponseHead } from './lean-connection.ts'

export interface LeanRequest {
  url: string
  headers?: Readonly<Record<string, string>>
  signal?: AbortSignal
  idleTimeoutMs?: number
}

/** Downloads over kept-alive connections, a limited number for each server. */
export interface LeanPool {
  /** Resolves with the head once the body was read to its end by what `onHead` gave. */
  get(request: LeanRequest, onHead: (head: ResponseHead) => BodySink | undefined): Promise<ResponseHead>
  close(): void
}

export function createLeanPool({ maxSockets }: { maxSockets: number }): LeanPool {
  const idle = new Map<string, LeanConnection[]>()
  const open = new Set<LeanConnection>()
  const counts = new Map<string, number>()
  const waiting = new Map<string, (() => void)[]>()

  const enter = async (host: string) => {
    const count = counts.get(host) ?? 0
    if (count < maxSockets) {
      counts.set(host, count + 1)
      return
    }
    await new Promise<void>((resolve) => waiting.set(host, [...(waiting.get(host) ?? []), resolve]))
  }
  const leave = (host: string) => {
    const next = waiting.get(host)?.shift()
    if (next !== undefined) next()
    else counts.set(host, (counts.get(host) ?? 1) - 1)
  }

  const exchange = async (request: LeanRequest, url: URL, onHead: Parameters<LeanPool['get']>[1]) => {
    const { signal, headers = {}, idleTimeoutMs = 60_000 } = request
    for (;;) {
      let connection = idle.get(url.host)?.pop()
      while (connection?.isOpen === false) connection = idle.get(url.host)?.pop()
      const own = connection ?? new LeanConnection(url, idleTimeoutMs)
      open.add(own)
      let hasHead = false
      const abort = () => own.close(signal?.reason)
      signal?.addEventListener('abort', abort, { once: true })
      try {
        const head = await own.get(url, headers, (found) => {
          hasHead = true
          return onHead(found)
        })
        if (own.isOpen) {
          own.rest()
          const list = idle.get(url.host)
          if (list === undefined) idle.set(url.host, [own])
          else list.push(own)
        }
        return head
      } catch (error) {
        // A server may close a kept-alive connection just as we use it: once more, over another.
        if (!own.wasUsed || hasHead || signal?.aborted || !isReset(error)) throw error
      } finally {
        signal?.removeEventListener('abort', abort)
        if (!own.isOpen) open.delete(own)
      }
    }
  }

  return {
    async get(request, onHead) {
      const url = new URL(request.url)
      await enter(url.host)
      try {
        request.signal?.throwIfAborted()
        return await exchange(request, url, onHead)
      } finally {
        leave(url.host)
      }
    },
    close() {
      for (const connection of open) connection.close()
      open.clear()
      idle.clear()
    },
  }
}

function isReset(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE')
}
