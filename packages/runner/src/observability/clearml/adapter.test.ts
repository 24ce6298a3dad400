import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { adapterCases, testInfo, testPoint } from '../adapter.cases.ts'
import { fakeClearml } from '../testing/fake-clearml.ts'
import { startReceiver } from '../testing/receiver.ts'
import { createClearmlAdapter } from './index.ts'

const ENDS = { 'tasks.completed': 'succeeded', 'tasks.failed': 'failed', 'tasks.stopped': 'cancelled' } as const

const clearml = fakeClearml()
let server: Awaited<ReturnType<typeof startReceiver>>
beforeAll(async () => {
  server = await startReceiver(clearml.answer)
})
afterAll(async () => await server.close())
const create = (apiHost = server.url) =>
  createClearmlAdapter({
    apiHost,
    webHost: 'http://clearml.test',
    accessKey: 'key',
    secretKey: 'secret',
    project: 'Trainyard',
  })

adapterCases(
  { name: 'clearml', idempotent: true, notFinite: false, anyName: true, params: true, ends: true },
  async () => ({
    create,
    createDead: () => create('http://127.0.0.1:9'),
    async read(_adapter, { task: id }) {
      const task = clearml.tasks.get(String(id))
      const events = task?.events ?? []
      const state = Object.entries(ENDS).find(([method]) => method === task?.status)?.[1]
      return {
        points: events.flatMap((event) =>
          event.type === 'log'
            ? []
            : [{ name: event.variant, step: event.iter, value: event.value, timeMs: event.timestamp }],
        ),
        params: task?.params ?? {},
        artifacts: task?.artifacts ?? [],
        lines: events.flatMap((event) => (event.type === 'log' ? [event.msg] : [])),
        state,
      }
    },
  }),
)

describe('the API of ClearML', () => {
  it('is asked for a new token when the old one has expired', async () => {
    const adapter = create()
    const handle = await adapter.start(testInfo(), AbortSignal.timeout(5000))
    clearml.tokens.valid = 'token-2'
    await adapter.logMetrics(handle, [testPoint(1, 1)], AbortSignal.timeout(5000))
    expect(clearml.tasks.get(String(handle.task))?.events).toHaveLength(1)
    expect(adapter.link(handle)).toBe(
      `http://clearml.test/projects/project/experiments/${handle.task}/output/execution`,
    )
  })
})
