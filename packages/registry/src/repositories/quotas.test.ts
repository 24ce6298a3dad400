import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createHarness, digestOf, type Harness, pushBlob } from '../testing/harness.ts'
import { collectGarbage } from './collect-garbage.ts'

const UPLOADS = '/v2/plain/quota/blobs/uploads/'
const INDEX = 'application/vnd.oci.image.index.v1+json'
const contentOf = (number: number) => Buffer.alloc(300, `${number} `)

function streamOf(chunks: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await chunks.next()
      if (done) controller.close()
      else controller.enqueue(value)
    },
  })
}

describe('the quota of a namespace', () => {
  let harness: Harness
  let token: string
  beforeEach(async () => {
    harness = await createHarness({ config: { namespaceBytes: 1000 } })
    token = await harness.token(['push:plain'])
  })
  afterEach(() => harness.close())

  /** Bodies of which one byte arrives, and the rest only after `finish`. */
  function unfinished() {
    const { promise, resolve } = Promise.withResolvers<undefined>()
    const bodyOf = (bytes: Buffer) =>
      streamOf(
        (async function* () {
          yield bytes.subarray(0, bytes.length - 1)
          await promise
          yield bytes.subarray(-1)
        })(),
      )
    return { bodyOf, finish: () => resolve(undefined) }
  }

  async function open(): Promise<string> {
    const opened = await harness.request(UPLOADS, { method: 'POST', token })
    expect(opened.status).toBe(202)
    return opened.headers.get('location') ?? ''
  }

  const reserved = async () => {
    const rows = await harness.registry.context.database.db
      .selectFrom('upload_reservations')
      .select('size_bytes')
      .execute()
    return rows.map((row) => row.size_bytes)
  }

  it.each([
    ['that come in one request', 'PUT', true],
    ['that come in one request without a length', 'PUT', false],
    ['that come in chunks', 'PATCH', true],
    ['that come in chunks without a length', 'PATCH', false],
  ])('counts the bytes of unfinished uploads %s', async (_, method, hasLength) => {
    const { bodyOf, finish } = unfinished()
    const locations = await Promise.all(Array.from({ length: 10 }, open))
    let refused = 0
    const answers = locations.map(async (location, index) => {
      const bytes = contentOf(index)
      const path = method === 'PUT' ? `${location}?digest=${digestOf(bytes)}` : location
      const headers: Record<string, string> = hasLength ? { 'content-length': '300' } : {}
      const response = await harness.request(path, { method, token, headers, body: bodyOf(bytes) })
      if (response.status === 413 && ++refused === 7) finish()
      return { status: response.status, text: await response.text() }
    })
    const all = await Promise.all(answers)
    expect(all.filter(({ status }) => status < 300)).toHaveLength(3)
    const [first] = all.filter(({ status }) => status === 413)
    expect(JSON.parse(first?.text ?? '')).toMatchObject({
      errors: [{ code: 'DENIED', detail: { used: 0, reserved: expect.any(Number), allowed: 1000 } }],
    })
    expect(await reserved()).toEqual([])
    // What the chunks have stored counts until their sessions end.
    const next = await harness.request(`${UPLOADS}?digest=${digestOf(contentOf(99))}`, {
      method: 'POST',
      token,
      body: contentOf(99),
    })
    expect(next.status).toBe(413)
    expect(await next.text()).toContain(
      method === 'PUT'
        ? 'uses 900 of 1000 bytes, uploads that have not ended reserve 0'
        : 'uses 0 of 1000 bytes, uploads that have not ended reserve 900',
    )
  })

  it('has room again after a session was cancelled, a body broke off, or a digest was wrong', async () => {
    const bytes = Buffer.alloc(900, 'x')
    const location = await open()
    await harness.request(location, { method: 'PATCH', token, body: bytes })
    expect((await harness.request(UPLOADS, { method: 'POST', token })).status).toBe(202)
    await expect(pushBlob(harness, { name: 'plain/quota', token, bytes })).rejects.toThrow(/413.+reserve 900/)
    await harness.request(location, { method: 'DELETE', token })
    const broken = streamOf(
      (async function* () {
        yield bytes
        throw new Error('the connection was lost')
      })(),
    )
    await harness.request(await open(), { method: 'PATCH', token, body: broken })
    const wrong = `${await open()}?digest=${digestOf('others')}`
    expect((await harness.request(wrong, { method: 'PUT', token, body: bytes })).status).toBe(400)
    await pushBlob(harness, { name: 'plain/quota', token, bytes })
  })

  it('counts what a process that was killed has reserved, until it expires', async () => {
    const { db } = harness.registry.context.database
    const values = { namespace: 'plain', size_bytes: 800 }
    const later = { ...values, id: randomUUID(), expires_at: new Date(Date.now() + 3_600_000) }
    const earlier = { ...values, id: randomUUID(), expires_at: new Date(Date.now() - 1000) }
    await db.insertInto('upload_reservations').values([later, earlier]).execute()
    const push = () => pushBlob(harness, { name: 'plain/quota', token, bytes: contentOf(1) })
    await expect(push()).rejects.toThrow(/413.+uses 0 of 1000 bytes, uploads that have not ended reserve 800/)
    await collectGarbage(harness.registry.context)
    expect(await reserved()).toEqual([800])
    await db.updateTable('upload_reservations').set({ expires_at: earlier.expires_at }).execute()
    await push()
    await collectGarbage(harness.registry.context)
    expect(await reserved()).toEqual([])
  })

  it('counts manifests, and the same one once', async () => {
    const push = (text: string, tag: string) => {
      const manifest = { schemaVersion: 2, mediaType: INDEX, manifests: [], annotations: { text } }
      const body = JSON.stringify(manifest)
      return harness.request(`/v2/plain/quota/manifests/${tag}`, {
        method: 'PUT',
        token,
        headers: { 'content-type': INDEX },
        body,
      })
    }
    expect((await push('x'.repeat(600), 'one')).status).toBe(201)
    expect((await push('x'.repeat(600), 'two')).status).toBe(201)
    const many = await Promise.all(
      Array.from({ length: 8 }, (_, number) => push(`${number}`.repeat(100), `t${number}`)),
    )
    expect(many.map(({ status }) => status).sort()).toEqual([201, ...Array.from({ length: 7 }, () => 413)])
    await expect(pushBlob(harness, { name: 'plain/quota', token, bytes: Buffer.alloc(300, 'z') })).rejects.toThrow(
      /413.+of 1000 bytes/,
    )
    expect(await reserved()).toEqual([])
  })

  it('holds for blobs that are mounted at the same time', async () => {
    const names = ['one/things', 'two/things', 'three/things']
    const other = await harness.token(['push:plain', 'push:one', 'push:two', 'push:three'])
    const sources = Array.from({ length: 9 }, (_, index) => ({ from: names[index % 3] ?? '', bytes: contentOf(index) }))
    const mounts = []
    for (const { from, bytes } of sources)
      mounts.push({ from, mount: await pushBlob(harness, { name: from, token: other, bytes }) })
    const mounted = await Promise.all(
      mounts.map(async (mount) => {
        const path = `${UPLOADS}?${new URLSearchParams(mount)}`
        return (await harness.request(path, { method: 'POST', token: other })).status
      }),
    )
    expect(mounted.filter((status) => status === 201)).toHaveLength(3)
    expect(mounted.filter((status) => status === 413)).toHaveLength(6)
  })
})
