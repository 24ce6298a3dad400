import { gzipSync, zstdCompressSync } from 'node:zlib'
import { createRoute, z } from '@hono/zod-openapi'
import { Problem } from '@trainyard/contract'
import { describe, expect, it } from 'vitest'
import { createLogger } from '../log.ts'
import { hostileBodies } from '../testing/hostile-bodies.ts'
import { createApi } from './create-api.ts'
import { readJsonBody } from './read-body.ts'

const Thing = z.strictObject({ name: z.string().max(10).optional(), tags: z.array(z.string()).optional() })
const createThing = createRoute({
  method: 'post',
  path: '/things',
  request: { body: { required: true, content: { 'application/json': { schema: Thing } } } },
  responses: { 200: { description: 'Made', content: { 'application/json': { schema: Thing } } } },
})
const api = createApi({ logger: createLogger({ name: 'test', level: 'silent' }) })
api.openapi(createThing, (c) => c.json(c.req.valid('json'), 200))
api.post('/large', async (c) =>
  c.json({ value: await readJsonBody(c.req.raw, { maxBodyBytes: 1024 ** 2, maxInflatedBytes: 8 * 1024 ** 2 }) }),
)

type Body = string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>
async function post(path: string, body: Body, headers: Record<string, string> = {}) {
  const init = { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers }, duplex: 'half' }
  const response = await api.request(path, init as RequestInit)
  return { status: response.status, text: await response.text() }
}
const bytes = (buffer: Buffer) => new Uint8Array(buffer)

describe('a described route', () => {
  it.each(hostileBodies(300_000))('refuses $name with a short problem', async ({ body, headers }) => {
    const { status, text } = await post('/things', body, headers)
    expect([400, 413]).toContain(status)
    expect(text.length).toBeLessThan(20_000)
    expect(Problem.parse(JSON.parse(text)).status).toBe(status)
  })

  it('reports the limits that were exceeded', async () => {
    const { status, text } = await post('/things', '['.repeat(65) + ']'.repeat(65))
    expect(status).toBe(413)
    expect(JSON.parse(text)).toMatchObject({
      code: 'payload_too_large',
      detail: expect.stringContaining('nested more than 64 deep'),
      limits: { maxBodyBytes: 65_536, maxInflatedBytes: 65_536, maxDepth: 64, maxValues: 5000, maxFields: 50_000 },
    })
    expect((await post('/things', '['.repeat(64) + ']'.repeat(64))).status).toBe(400)
  })

  it('shows a bounded part of mistakes: fifty issues, ten unknown fields, two hundred characters of a value', async () => {
    const wide = await post('/things', JSON.stringify({ tags: Array.from({ length: 4000 }, () => 0) }))
    expect(Problem.parse(JSON.parse(wide.text)).issues).toHaveLength(50)
    const unknown = Object.fromEntries(Array.from({ length: 2000 }, (_, index) => [`k${index}`.padEnd(12, 'x'), 0]))
    const odd = await post('/things', JSON.stringify(unknown))
    expect(Problem.parse(JSON.parse(odd.text)).issues?.[0]?.detail).toMatch(/ and 1990 more$/)
    const deep = await post('/things', JSON.stringify({ name: JSON.parse('[[['.repeat(20) + ']]]'.repeat(20)) }))
    expect(String(Problem.parse(JSON.parse(deep.text)).issues?.[0]?.value).length).toBeLessThanOrEqual(200)
  })

  it('stops reading a body without a length at its limit', async () => {
    let sent = 0
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 10_000
        controller.enqueue(new Uint8Array(10_000).fill(0x20))
      },
    })
    expect((await post('/things', endless)).status).toBe(413)
    expect(sent).toBeLessThan(200_000)
  })

  it('accepts compressed bodies, of one part or of several', async () => {
    const thing = JSON.stringify({ name: 'x' })
    const [one, two] = [thing.slice(0, 4), thing.slice(4)]
    for (const [encoding, pack] of [
      ['gzip', gzipSync],
      ['zstd', zstdCompressSync],
    ] as const)
      for (const body of [pack(thing), Buffer.concat([pack(one), pack(two)])])
        expect(await post('/things', bytes(body), { 'content-encoding': encoding })).toEqual({
          status: 200,
          text: thing,
        })
  })
})

describe('a route with larger limits', () => {
  it('refuses what was made to expand, and accepts what compresses well', async () => {
    const repetitive = JSON.stringify(
      Array.from({ length: 4000 }, () => 'epoch 1 of 50: loss 0.1, accuracy 0.9'.repeat(10)),
    )
    const good = await post('/large', bytes(gzipSync(repetitive)), { 'content-encoding': 'gzip' })
    expect(good.status).toBe(200)
    const bomb = bytes(gzipSync(`"${' '.repeat(7_000_000)}"`))
    const refused = await post('/large', bomb, { 'content-encoding': 'gzip' })
    expect([refused.status, JSON.parse(refused.text).detail]).toEqual([413, expect.stringContaining('decompressed')])
  })

  it('parses a long document', async () => {
    const text = `["${'x'.repeat(600_000)}"]`
    expect((await post('/large', text)).text).toBe(`{"value":${text}}`)
    expect((await post('/large', `["${'x'.repeat(600_000)}`)).status).toBe(400)
  })

  it('reports a body that ends early as a mistake of its sender', async () => {
    const broken = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new Uint8Array([0x5b]))
        controller.error(new Error('socket closed'))
      },
    })
    const { status, text } = await post('/large', broken)
    expect([status, JSON.parse(text).detail]).toEqual([400, expect.stringContaining('closed before')])
  })
})
