import type { DatasetApi } from '../cache/fill-from-platform.ts'

/** Calls the server of a test, and retries while it responds with 5xx or not at all. */
export function createTestApi(baseUrl: string): DatasetApi {
  return {
    async call(method, path, { signal } = {}) {
      for (let tries = 1; ; tries++) {
        const answer = await fetch(baseUrl + path, {
          method,
          headers: { authorization: 'Bearer token' },
          signal: signal ?? null,
        }).catch(() => undefined)
        if (answer?.ok) return answer.json()
        await answer?.body?.cancel()
        signal?.throwIfAborted()
        if (tries === 8 || (answer !== undefined && answer.status < 500)) {
          throw new Error(`${method} ${path} was answered with ${answer?.status ?? 'nothing'}`)
        }
      }
    },
  }
}
