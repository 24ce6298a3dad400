import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freezePostgres } from '@trainyard/platform/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RunningServer, startServer, stopServer } from './server.ts'

let dir: string
let server: RunningServer
let frozen: { thaw(): void } | undefined

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'trainyard-frozen-'))
  server = await startServer(join(dir, 'data'))
})

afterAll(async () => {
  frozen?.thaw()
  await stopServer(server)
  await rm(dir, { recursive: true, force: true })
})

const get = async (path: string) => {
  const startedMs = performance.now()
  const headers = { authorization: `Bearer ${server.token}` }
  // A server that waits for its database for ever fails this test.
  const response = await fetch(server.url + path, { headers, signal: AbortSignal.timeout(60_000) })
  await response.arrayBuffer()
  return { status: response.status, retryAfter: response.headers.get('retry-after'), ms: performance.now() - startedMs }
}

test.runIf(process.platform === 'linux')(
  'while PostgreSQL is frozen, every server answers 503 and Retry-After in bounded time, and works again once it is thawed',
  async () => {
    const paths = ['/v1/jobs', '/v1/datasets', '/v1/trainers', '/v1/me', '/v2/acme/yolo/tags/list', '/']
    for (const path of paths) expect((await get(path)).status, path).toBeLessThan(500)
    frozen = await freezePostgres(join(dir, 'data', 'postgres'))
    const [ready, ...ordinary] = await Promise.all(['/readyz', ...paths].map(get))
    expect(ready).toMatchObject({ status: 503, retryAfter: '2' })
    expect(ready?.ms).toBeLessThan(5000)
    for (const [index, answer] of ordinary.entries()) {
      expect(answer, paths[index]).toMatchObject({ status: 503, retryAfter: expect.stringMatching(/^\d+$/) })
      expect(answer.ms, paths[index]).toBeLessThan(15_000)
    }
    expect((await get('/healthz')).status).toBe(200)
    // Many more requests, for some seconds: each is refused soon, and none is left waiting.
    for (let round = 0; round < 5; round++) {
      const answers = await Promise.all(Array.from({ length: 40 }, () => get('/v1/jobs')))
      for (const { status } of answers) expect(status).toBe(503)
      await sleep(100)
    }
    frozen.thaw()
    for (const path of ['/readyz', ...paths])
      await expect.poll(async () => (await get(path)).status, { timeout: 30_000, message: path }).toBeLessThan(500)
  },
)
