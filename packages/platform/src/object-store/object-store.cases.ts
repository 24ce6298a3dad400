import { createHash, randomBytes, randomUUID } from 'node:crypto'
import type { SignedRequest } from '@trainyard/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ObjectStore } from './object-store.ts'

/** A store under test. Its signed URLs can be requested with `fetch`. */
export interface StoreUnderTest {
  store: ObjectStore
  close(): Promise<void>
}

/** The behaviour of every object store: each implementation runs these. All keys are below a prefix of the run's own. */
export function objectStoreCases(name: string, createStore: () => Promise<StoreUnderTest>): void {
  describe(`object store: ${name}`, () => {
    let under: StoreUnderTest
    let store: ObjectStore
    const base = `cases-${randomUUID()}`
    let count = 0
    const newKey = (suffix = 'object.bin') => `${base}/${++count}/${suffix}`

    beforeAll(async () => {
      under = await createStore()
      store = under.store
    })
    afterAll(async () => {
      await under?.store.deletePrefix(`${base}/`)
      await under?.close()
    })

    it('returns the bytes, size, hash, etag and content type that were put', async () => {
      const key = newKey('weights of épöch 1%.bin')
      const body = randomBytes(1000)
      const put = await store.put(key, body, { contentType: 'application/x-weights' })
      expect(put).toMatchObject({ sizeBytes: 1000, sha256: sha256(body) })
      const got = await store.get(key)
      expect(await collect(got.body)).toEqual(body)
      expect(got).toMatchObject({ sizeBytes: 1000, etag: put.etag, contentType: 'application/x-weights' })
      expect(await store.find(key)).toEqual({ sizeBytes: 1000, etag: put.etag, contentType: 'application/x-weights' })
    })

    it('stores an empty object', async () => {
      const key = newKey()
      expect(await store.put(key, stream([]))).toMatchObject({ sizeBytes: 0, sha256: sha256(Buffer.alloc(0)) })
      const got = await store.get(key)
      expect(await collect(got.body)).toEqual(Buffer.alloc(0))
    })

    it('streams a large object in odd chunks and hashes it on the way', async () => {
      const key = newKey()
      const chunks = Array.from({ length: 37 }, () => randomBytes(999_983))
      const put = await store.put(key, stream(chunks))
      expect(put).toMatchObject({ sizeBytes: 37 * 999_983, sha256: sha256(Buffer.concat(chunks)) })
      const range = { start: 16_000_000, end: 17_999_999 }
      const { body, sizeBytes } = await store.get(key, { range })
      expect(sizeBytes).toBe(2_000_000)
      expect(sha256(await collect(body))).toBe(sha256(Buffer.concat(chunks).subarray(16_000_000, 18_000_000)))
    })

    it('replaces an object, and its etag changes with its bytes', async () => {
      const key = newKey()
      const first = await store.put(key, Buffer.from('one'))
      const second = await store.put(key, Buffer.from('two'))
      expect(second.etag).not.toBe(first.etag)
      expect(String(await collect((await store.get(key)).body))).toBe('two')
    })

    it('keeps the old object when the sender of a new one fails', async () => {
      const key = newKey()
      await store.put(key, Buffer.from('old'))
      const broken = (async function* () {
        yield Buffer.from('new, but ')
        throw new Error('the sender went away')
      })()
      await expect(store.put(key, broken)).rejects.toThrow('the sender went away')
      expect(String(await collect((await store.get(key)).body))).toBe('old')
    })

    it('reports an object that does not exist, and deletes it without an error', async () => {
      const key = newKey()
      await expect(store.get(key)).rejects.toMatchObject({ code: 'not_found' })
      expect(await store.find(key)).toBeUndefined()
      await store.delete(key)
      await store.put(key, Buffer.from('x'))
      await store.delete(key)
      expect(await store.find(key)).toBeUndefined()
    })

    it('refuses a range that begins after the end', async () => {
      const key = newKey()
      await store.put(key, Buffer.from('abc'))
      await expect(store.get(key, { range: { start: 3 } })).rejects.toMatchObject({ code: 'invalid_request' })
    })

    it('lists keys by any prefix, in the order of their bytes, with sizes and etags', async () => {
      const prefix = newKey('list')
      const names = ['a.txt', 'a/1', 'a/2/x', 'ab', 'b/é', 'b/z', 'B']
      for (const name of names) await store.put(`${prefix}/${name}`, Buffer.from(name))
      const listed = await all(store.list(`${prefix}/`))
      expect(listed.map(({ key }) => key.slice(prefix.length + 1))).toEqual([
        'B',
        'a.txt',
        'a/1',
        'a/2/x',
        'ab',
        'b/z',
        'b/é',
      ])
      expect(listed[1]).toEqual({
        key: `${prefix}/a.txt`,
        sizeBytes: 5,
        etag: (await store.find(`${prefix}/a.txt`))?.etag,
      })
      expect((await all(store.list(`${prefix}/a/`))).length).toBe(2)
      expect((await all(store.list(`${prefix}/a`))).length).toBe(4)
      expect(await all(store.list(`${prefix}/nothing`))).toEqual([])
    })

    it('deletes everything below a prefix and nothing else', async () => {
      const prefix = newKey('tree')
      for (const name of ['one/a', 'one/b/c', 'one-more']) await store.put(`${prefix}/${name}`, Buffer.from(name))
      expect(await store.deletePrefix(`${prefix}/one/`)).toBe(2)
      expect((await all(store.list(`${prefix}/`))).map(({ key }) => key)).toEqual([`${prefix}/one-more`])
      expect(await store.deletePrefix(`${prefix}/one/`)).toBe(0)
    })

    it('renames an object with its content type, and replaces an existing one', async () => {
      const [from, to] = [newKey('from'), newKey('to')]
      await store.put(from, Buffer.from('new'), { contentType: 'text/plain' })
      await store.put(to, Buffer.from('old'))
      await store.rename(from, to)
      expect(await store.find(from)).toBeUndefined()
      expect(await store.find(to)).toMatchObject({ sizeBytes: 3, contentType: 'text/plain' })
      await expect(store.rename(from, to)).rejects.toMatchObject({ code: 'not_found' })
    })

    it.each(['', '/a', 'a//b', 'a/../b', '..', './a', 'a/', 'a\\b', 'a\0b', 'a\nb', `${'x/'.repeat(512)}x`])(
      'refuses the key %#',
      async (key) => {
        const refused = { code: 'invalid_request' }
        await expect(store.put(key, Buffer.from('x'))).rejects.toMatchObject(refused)
        await expect(store.get(key)).rejects.toMatchObject(refused)
        await expect(store.signGet(key)).rejects.toMatchObject(refused)
        await expect(store.signPut(key, { sizeBytes: 1 })).rejects.toMatchObject(refused)
        await expect(store.delete(key)).rejects.toMatchObject(refused)
      },
    )

    it('lets anyone read with a signed GET, whole or in ranges, under a given name', async () => {
      const key = newKey('best model?.bin')
      await store.put(key, Buffer.from('0123456789'))
      const request = await store.signGet(key, { fileName: 'bäst.bin', contentType: 'text/plain' })
      expect(Date.parse(request.expiresAt)).toBeGreaterThan(Date.now() + 3_500_000)
      const whole = await send(request)
      expect(whole.status).toBe(200)
      expect(await whole.text()).toBe('0123456789')
      expect(whole.headers.get('content-type')).toBe('text/plain')
      expect(whole.headers.get('content-disposition')).toMatch(/^attachment; .*filename\*=UTF-8''b%C3%A4st\.bin$/)
      const part = await send(request, { headers: { range: 'bytes=2-4' } })
      expect([part.status, await part.text(), part.headers.get('content-range')]).toEqual([206, '234', 'bytes 2-4/10'])
      const tail = await send(request, { headers: { range: 'bytes=-3' } })
      expect([tail.status, await tail.text()]).toEqual([206, '789'])
      const outside = await send(request, { headers: { range: 'bytes=10-' } })
      await outside.arrayBuffer()
      expect(outside.status).toBe(416)
    })

    it('answers 404 to a signed GET of an object that does not exist', async () => {
      const response = await send(await store.signGet(newKey()))
      await response.arrayBuffer()
      expect(response.status).toBe(404)
    })

    it('refuses a signed request for another key, another method or with a changed signature', async () => {
      const [key, other] = [newKey('mine'), newKey('other')]
      await store.put(key, Buffer.from('mine'))
      await store.put(other, Buffer.from('other'))
      const { url } = await store.signGet(key)
      const moved = new URL(url)
      moved.pathname = moved.pathname.replace(key, other)
      const attempts = await Promise.all([
        fetch(moved),
        fetch(url, { method: 'PUT', body: 'evil' }),
        fetch(
          url.replace(
            /(signature=)(.)/i,
            (_, name: string, character: string) => `${name}${character === '0' ? '1' : '0'}`,
          ),
        ),
      ])
      for (const attempt of attempts) await attempt.arrayBuffer()
      expect(attempts.map(({ status }) => status)).toEqual([403, 403, 403])
      expect(String(await collect((await store.get(key)).body))).toBe('mine')
    })

    it('stores the bytes that a signed PUT was signed for', async () => {
      const key = newKey()
      const body = randomBytes(5000)
      const options = { sizeBytes: 5000, sha256: sha256(body), contentType: 'application/x-thing' }
      const response = await send(await store.signPut(key, options), { body })
      expect(response.status, await response.text()).toBe(200)
      expect(response.headers.get('etag')).toBe((await store.find(key))?.etag)
      expect(await store.find(key)).toMatchObject({ sizeBytes: 5000, contentType: 'application/x-thing' })
      expect(await collect((await store.get(key)).body)).toEqual(body)
    })

    it('stores nothing when a signed PUT sends more, fewer or other bytes', async () => {
      const key = newKey()
      const body = randomBytes(100)
      const request = await store.signPut(key, { sizeBytes: 100, sha256: sha256(body) })
      const { 'content-length': _, ...headers } = request.headers
      for (const wrong of [randomBytes(101), randomBytes(99), randomBytes(100)]) {
        const response = await send({ ...request, headers }, { body: wrong })
        const text = await response.text()
        expect([400, 403], text).toContain(response.status)
      }
      expect(await store.find(key)).toBeUndefined()
    })

    it('accepts a stream with a signed PUT, because the signed headers include the length', async () => {
      const key = newKey()
      const body = randomBytes(70_000)
      const response = await send(await store.signPut(key, { sizeBytes: 70_000 }), { body: new Blob([body]).stream() })
      expect(response.status, await response.text()).toBe(200)
      expect(await collect((await store.get(key)).body)).toEqual(body)
    })

    it('joins parts, signed or put, in the order of their numbers', async () => {
      const key = newKey()
      const parts = [randomBytes(5 * 1024 * 1024), randomBytes(5 * 1024 * 1024 + 1), randomBytes(10)]
      const { uploadId } = await store.createMultipart(key, { contentType: 'application/x-big' })
      const [first = Buffer.alloc(0), second = Buffer.alloc(0), third = Buffer.alloc(0)] = parts
      const two = await store.putPart(key, uploadId, 2, stream([second]))
      expect(two.sizeBytes).toBe(second.length)
      const signed = await store.signPart(key, uploadId, { partNumber: 1, sizeBytes: first.length })
      const response = await send(signed, { body: first })
      expect(response.status, await response.text()).toBe(200)
      const three = await store.putPart(key, uploadId, 3, third)
      expect(await store.find(key)).toBeUndefined()
      expect(await store.listParts(key, uploadId)).toEqual([
        { partNumber: 1, sizeBytes: first.length, etag: response.headers.get('etag') },
        { partNumber: 2, sizeBytes: second.length, etag: two.etag },
        { partNumber: 3, sizeBytes: third.length, etag: three.etag },
      ])
      await store.completeMultipart(key, uploadId, [
        { partNumber: 3, etag: three.etag },
        { partNumber: 1, etag: response.headers.get('etag') ?? '' },
        { partNumber: 2, etag: two.etag },
      ])
      expect(await store.find(key)).toMatchObject({
        sizeBytes: Buffer.concat(parts).length,
        contentType: 'application/x-big',
      })
      expect(sha256(await collect((await store.get(key)).body))).toBe(sha256(Buffer.concat(parts)))
    })

    it('refuses parts of the wrong size, with a wrong etag, and of an aborted upload', async () => {
      const key = newKey()
      const { uploadId } = await store.createMultipart(key)
      const signed = await store.signPart(key, uploadId, { partNumber: 1, sizeBytes: 10 })
      const { 'content-length': _, ...headers } = signed.headers
      const tooLong = await send({ ...signed, headers }, { body: randomBytes(11) })
      await tooLong.arrayBuffer()
      expect([400, 403]).toContain(tooLong.status)
      await store.putPart(key, uploadId, 1, randomBytes(10))
      const wrong = [{ partNumber: 1, etag: '"0123456789abcdef0123456789abcdef"' }]
      await expect(store.completeMultipart(key, uploadId, wrong)).rejects.toMatchObject({ code: 'invalid_request' })
      await store.abortMultipart(key, uploadId)
      await store.abortMultipart(key, uploadId)
      await expect(store.listParts(key, uploadId)).rejects.toMatchObject({ code: 'not_found' })
      await expect(store.putPart(key, uploadId, 1, randomBytes(10))).rejects.toMatchObject({ code: 'not_found' })
      expect(await store.find(key)).toBeUndefined()
    })
  })
}

async function send(request: SignedRequest, init: { headers?: Record<string, string>; body?: BodyInit | Buffer } = {}) {
  const { body, headers = {} } = init
  const options: RequestInit & { duplex?: 'half' } = {
    method: request.method,
    headers: { ...request.headers, ...headers },
  }
  if (body !== undefined) {
    options.body = body as BodyInit
    options.duplex = 'half'
  }
  return await fetch(request.url, options)
}

function sha256(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex')
}

export async function collect(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}

async function* stream(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield await Promise.resolve(chunk)
}
