import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { adapterCases, testInfo } from '../adapter.cases.ts'
import { BackendRefused } from '../adapter.ts'
import { startReceiver } from '../testing/receiver.ts'
import { createLokiAdapter } from './index.ts'
import { pushBody } from './push-body.ts'

/** The documented body of a push. */
const Push = z.strictObject({
  streams: z
    .array(
      z.strictObject({
        stream: z.record(z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/), z.string()),
        values: z
          .array(
            z.union([
              z.tuple([z.string().regex(/^\d{19}$/), z.string(), z.record(z.string(), z.string())]),
              z.tuple([z.string().regex(/^\d{19}$/), z.string()]),
            ]),
          )
          .min(1),
      }),
    )
    .min(1),
})

const line = (id: number, message: string, level: 'info' | 'error' = 'info') => ({
  id,
  level,
  source: 'stderr' as const,
  message,
  time: new Date('2026-11-21T03:00:00.123Z'),
})

let loki: Awaited<ReturnType<typeof startReceiver>>
const accept = () => new Response(null, { status: 204 })
beforeAll(async () => {
  loki = await startReceiver(accept)
})
afterAll(async () => await loki.close())

adapterCases(
  { name: 'loki', idempotent: true, notFinite: true, anyName: true, params: false, ends: false },
  async () => ({
    create: () => createLokiAdapter({ url: loki.url, structuredMetadata: true }),
    createDead: () => createLokiAdapter({ url: 'http://127.0.0.1:9', structuredMetadata: true }),
    read: async () => {
      const lines = loki.received.flatMap(({ text }) =>
        Push.parse(JSON.parse(text)).streams.flatMap((stream) => stream.values.map((value) => value[1])),
      )
      return { points: [], params: {}, artifacts: [], lines }
    },
  }),
)

describe('a push to Loki', () => {
  const push = async (lines: ReturnType<typeof line>[]) => {
    const adapter = createLokiAdapter({ url: `${loki.url}/`, structuredMetadata: true, tenant: 'us', token: 'secret' })
    await adapter.logLines({}, lines, testInfo(), AbortSignal.timeout(5000))
  }

  it('is compressed, names the tenant, keeps the order within a millisecond, and has no job in its labels', async () => {
    loki.received.length = 0
    await push([line(7, 'first'), line(8, 'broken', 'error'), line(9, 'second')])
    const [request] = loki.received
    expect(request?.path).toBe('/loki/api/v1/push')
    expect(request?.headers.get('content-encoding')).toBe('gzip')
    expect(request?.headers.get('x-scope-orgid')).toBe('us')
    expect(request?.headers.get('authorization')).toBe('Bearer secret')
    const { streams } = Push.parse(JSON.parse(request?.text ?? ''))
    expect(streams.map((one) => one.stream)).toEqual([
      { app: 'trainyard', level: 'info', source: 'stderr' },
      { app: 'trainyard', level: 'error', source: 'stderr' },
    ])
    const [first, second] = streams[0]?.values ?? []
    expect([first?.[1], second?.[1]]).toEqual(['first', 'second'])
    expect(BigInt(second?.[0] ?? 0) - BigInt(first?.[0] ?? 0)).toBe(2n)
    expect(first?.[2]).toMatchObject({ job: expect.any(String), attempt: '1' })
  })

  it('is identical when it is repeated, so that Loki drops it', () => {
    const info = testInfo()
    expect(pushBody([line(1, 'x')], info, true)).toEqual(pushBody([line(1, 'x')], info, true))
    expect(pushBody([line(1, 'x')], info, false).streams[0]?.values[0]?.[1]).toMatch(/^job=\d+ attempt=1 .* x$/)
  })

  it('can be retried after 429 and 5xx, and is refused after 400', async () => {
    loki.answer = () => new Response('too many', { status: 429 })
    await expect(push([line(1, 'x')])).rejects.toThrow(/429/)
    loki.answer = () => new Response('entry too far behind', { status: 400 })
    await expect(push([line(1, 'x')])).rejects.toThrow(BackendRefused)
    loki.answer = accept
  })
})
