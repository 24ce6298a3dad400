import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type Listening, listen } from '../../http/listen.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import { collect, objectStoreCases } from '../object-store.cases.ts'
import { createFolderStore } from './folder-store.ts'

const SECRET = 'a secret of the tests'

objectStoreCases('folder', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'trainyard-store-'))
  // The URLs need the port, which is known only after listening: the app is set afterwards.
  let fetch: (request: Request) => Response | Promise<Response> = () => new Response(null, { status: 503 })
  const server: Listening = await listen({ fetch: (request) => fetch(request) }, { port: 0 })
  const store = createFolderStore({ dir, publicUrl: server.url, secret: SECRET })
  fetch = (request) => store.app.fetch(request)
  return {
    store,
    async close() {
      await server.close()
      await rm(dir, { recursive: true, force: true })
    },
  }
})

describe('the folder store', () => {
  const dirs: string[] = []
  afterEach(async () => {
    for (const dir of dirs.splice(0)) await rm(dir, { recursive: true, force: true })
  })

  async function setup() {
    const dir = await mkdtemp(join(tmpdir(), 'trainyard-store-'))
    dirs.push(dir)
    const clock = fakeClock()
    return { dir, clock, store: createFolderStore({ dir, publicUrl: 'http://store.test', secret: SECRET, clock }) }
  }

  it('refuses an expired URL with a problem that reports it', async () => {
    const { store, clock } = await setup()
    await store.put('a', Buffer.from('x'))
    const { url } = await store.signGet('a', { expiresInSeconds: 60 })
    clock.advance(59_000)
    expect((await store.app.request(url)).status).toBe(200)
    clock.advance(2_000)
    const late = await store.app.request(url)
    expect(late.status).toBe(403)
    expect(late.headers.get('content-type')).toBe('application/problem+json')
    expect(await late.json()).toMatchObject({ code: 'forbidden', detail: expect.stringContaining('expired') })
  })

  it.each(['size', 'sha256', 'expires', 'type', 'part', 'upload'])(
    'refuses a URL whose %s was changed',
    async (name) => {
      const { store } = await setup()
      const { url } = await store.signPut('a', { sizeBytes: 3, contentType: 'text/plain' })
      const changed = new URL(url)
      changed.searchParams.set(name, '9999999999')
      const response = await store.app.request(changed, { method: 'PUT', body: 'abc' })
      expect(response.status).toBe(403)
      expect(await store.find('a')).toBeUndefined()
    },
  )

  // A file with its trailer of 512 bytes is read in one piece below 64 KiB.
  it.each([0, 1, 65_023, 65_024, 65_025, 65_536, 300_000])(
    'returns an object of %d bytes, and a range of it',
    async (size) => {
      const { store } = await setup()
      const bytes = randomBytes(size)
      await store.put('a', bytes)
      const whole = await store.get('a')
      expect(whole.sizeBytes).toBe(size)
      expect((await collect(whole.body)).equals(bytes)).toBe(true)
      if (size < 2) return
      const range = { start: 1, end: size - 2 }
      expect((await collect((await store.get('a', { range })).body)).equals(bytes.subarray(1, size - 1))).toBe(true)
    },
  )

  it('takes a folder, and a file that is no object, for missing', async () => {
    const { store, dir } = await setup()
    await mkdir(join(dir, 'objects', 'folder%'))
    for (const size of [0, 100, 200_000]) await writeFile(join(dir, 'objects', `file${size}%`), Buffer.alloc(size))
    for (const key of ['folder', 'file0', 'file100', 'file200000']) expect(await store.find(key), key).toBeUndefined()
  })

  it('answers HEAD with size and etag, and no body', async () => {
    const { store } = await setup()
    const { etag } = await store.put('a', Buffer.from('12345'))
    const { url } = await store.signGet('a')
    const head = await store.app.request(url, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length'), head.headers.get('etag')]).toEqual([200, '5', etag])
    expect(await head.text()).toBe('')
  })

  it('sends the whole object when If-Range names another ETag', async () => {
    const { store } = await setup()
    const { etag } = await store.put('a', Buffer.from('12345'))
    const { url } = await store.signGet('a')
    const range = 'bytes=1-2'
    expect((await store.app.request(url, { headers: { range, 'if-range': etag } })).status).toBe(206)
    expect((await store.app.request(url, { headers: { range, 'if-range': '"other"' } })).status).toBe(200)
  })

  it('names the wrong size or digest, and leaves no temporary file', async () => {
    const { store, dir } = await setup()
    const { url } = await store.signPut('a', { sizeBytes: 3, sha256: '0'.repeat(64) })
    const digest = await store.app.request(url, { method: 'PUT', body: 'abc' })
    expect(digest.status).toBe(400)
    expect(await digest.json()).toMatchObject({ code: 'invalid_request', issues: [{ path: 'sha256' }] })
    const size = await store.app.request(url, { method: 'PUT', body: 'abcd' })
    expect(await size.json()).toMatchObject({ detail: expect.stringMatching(/3 bytes.*more/) })
    expect(await readdir(join(dir, 'temp'))).toEqual([])
  })

  it('serves untrusted objects so that they cannot run scripts in our origin', async () => {
    const { store } = await setup()
    await store.put('page.html', Buffer.from('<script>alert(1)</script>'), { contentType: 'text/html' })
    const response = await store.app.request((await store.signGet('page.html')).url)
    expect(response.headers.get('content-security-policy')).toContain('sandbox')
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
  })

  it.each(['/storage/../../etc/passwd', '/storage/%2e%2e%2fsecret', '/storage/a', '/storage/%ff', '/storage/'])(
    'answers %s without a signature with a problem',
    async (path) => {
      const { store } = await setup()
      const response = await store.app.request(`http://store.test${path}`)
      expect([403, 404]).toContain(response.status)
      expect(response.headers.get('content-type')).toBe('application/problem+json')
    },
  )

  it('stores the keys "a", "a/b" and "a%" separately', async () => {
    const { store } = await setup()
    for (const key of ['a', 'a/b', 'a%', 'a%/b', 'a%25']) await store.put(key, Buffer.from(key))
    for (const key of ['a', 'a/b', 'a%', 'a%/b', 'a%25']) {
      expect(String(await collect((await store.get(key)).body))).toBe(key)
    }
    const keys: string[] = []
    for await (const { key } of store.list('')) keys.push(key)
    expect(keys).toEqual(['a', 'a%', 'a%/b', 'a%25', 'a/b'])
  })

  it('follows no symbolic links, to files or to folders', async () => {
    const { store, dir } = await setup()
    const outside = await mkdtemp(join(tmpdir(), 'trainyard-outside-'))
    dirs.push(outside)
    await writeFile(join(outside, 'secret%'), 'secret')
    await mkdir(join(dir, 'objects'), { recursive: true })
    await symlink(outside, join(dir, 'objects', 'linked'))
    await symlink(join(outside, 'secret%'), join(dir, 'objects', 'file%'))
    await expect(store.put('linked/new', Buffer.from('x'))).rejects.toMatchObject({ code: 'forbidden' })
    await expect(store.get('linked/secret')).rejects.toMatchObject({ code: 'forbidden' })
    expect(await store.find('file')).toBeUndefined()
    await store.put('file', Buffer.from('mine'))
    expect(await readFile(join(outside, 'secret%'), 'utf8')).toBe('secret')
    expect(await readdir(outside)).toEqual(['secret%'])
  })

  it('removes folders that become empty, also during concurrent puts', async () => {
    const { store, dir } = await setup()
    await Promise.all(
      Array.from({ length: 40 }, async (_, index) => {
        await store.put(`deep/er/${index}`, Buffer.from('x'))
        await store.delete(`deep/er/${index}`)
      }),
    )
    expect(await readdir(join(dir, 'objects'))).toEqual([])
  })

  it('removes folders that a rename makes empty', async () => {
    const { store, dir } = await setup()
    await store.put('deep/er/old', Buffer.from('x'))
    await store.rename('deep/er/old', 'new')
    expect(await readdir(join(dir, 'objects'))).toEqual(['new%'])
  })

  it('gives a reader either all of the old bytes or all of the new ones', async () => {
    const { store } = await setup()
    const versions = ['a', 'b'].map((letter) => Buffer.alloc(300_000, letter))
    await store.put('k', versions[0] ?? Buffer.alloc(0))
    const writes = (async () => {
      for (let round = 0; round < 20; round++) await store.put('k', versions[round % 2] ?? Buffer.alloc(0))
    })()
    for (let round = 0; round < 20; round++) {
      const body = await collect((await store.get('k')).body)
      expect(versions.some((version) => version.equals(body))).toBe(true)
    }
    await writes
  })
})
