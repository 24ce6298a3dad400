import { randomBytes } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import type { Listening } from '@trainyard/platform'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  createHarness,
  digestOf,
  endOfCheck,
  type Harness,
  pushBlob,
  pushBundle,
  pushImage,
  trainerManifest,
} from '../testing/harness.ts'

const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const OCI_INDEX = 'application/vnd.oci.image.index.v1+json'

interface OciErrors {
  errors: { code: string; message: string }[]
}

async function codeOf(response: Response): Promise<string | undefined> {
  expect(response.headers.get('content-type')).toBe('application/json')
  return ((await response.json()) as OciErrors).errors[0]?.code
}

describe('the OCI distribution endpoints', () => {
  let harness: Harness
  let server: Listening
  let token: string
  let stranger: string
  const bytes = Buffer.from('0123456789')

  beforeAll(async () => {
    harness = await createHarness()
    server = await harness.listen()
    token = await harness.token(['push:acme', 'push:plain'])
    stranger = await harness.token(['push:other'], 'eve')
  })
  afterAll(() => harness.close())

  async function openSession(name = 'acme/blobs'): Promise<string> {
    const response = await harness.request(`/v2/${name}/blobs/uploads/`, { method: 'POST', token })
    expect(response.status).toBe(202)
    expect(response.headers.get('range')).toBe('0-0')
    return response.headers.get('location') ?? ''
  }

  describe('uploads', () => {
    it('accept the last chunk with the end of the session, over a connection', async () => {
      const url = `${server.url}${await openSession()}`
      const headers = { authorization: `Bearer ${token}` }
      const body = Buffer.from(`the chunks of ${Math.random()}`)
      const first = { method: 'PATCH', body: body.subarray(0, 4), headers: { ...headers, 'content-range': '0-3' } }
      expect((await fetch(url, first)).status).toBe(202)
      const rest = { ...headers, 'content-range': `4-${body.byteLength - 1}` }
      const put = { method: 'PUT', body: body.subarray(4), headers: rest }
      const pushed = await fetch(`${url}?digest=${digestOf(body)}`, put)
      expect(pushed.status).toBe(201)
      const got = await fetch(server.url + pushed.headers.get('location'), { headers })
      expect(Buffer.from(await got.arrayBuffer()).equals(body)).toBe(true)
    })

    it('accept a blob in chunks and return it by its digest', async () => {
      const location = await openSession()
      const first = await harness.request(location, {
        method: 'PATCH',
        token,
        body: bytes.subarray(0, 4),
        headers: { 'content-range': '0-3', 'content-length': '4' },
      })
      expect(first.status).toBe(202)
      expect(first.headers.get('range')).toBe('0-3')
      const second = await harness.request(location, { method: 'PATCH', token, body: bytes.subarray(4, 8) })
      expect(second.headers.get('range')).toBe('0-7')
      const put = await harness.request(`${location}?digest=${digestOf(bytes)}`, {
        method: 'PUT',
        token,
        body: bytes.subarray(8),
      })
      expect(put.status).toBe(201)
      expect(put.headers.get('docker-content-digest')).toBe(digestOf(bytes))
      const got = await harness.request(put.headers.get('location') ?? '', { token })
      expect(await got.text()).toBe('0123456789')
      expect((await harness.request(location, { token })).status).toBe(404)
    })

    it.each([1, 300_000, 3_000_000])(
      'accept a streamed chunk of %i bytes over a connection, as Docker sends it',
      async (size) => {
        const body = randomBytes(size)
        const headers = { authorization: `Bearer ${token}` }
        const location = await openSession()
        const chunk = { method: 'PATCH', headers, body: new Blob([body]).stream(), duplex: 'half' } as RequestInit
        expect((await fetch(server.url + location, chunk)).status).toBe(202)
        const put = { method: 'PUT', headers, body: '' }
        const pushed = await fetch(`${server.url}${location}?digest=${digestOf(body)}`, put)
        expect(pushed.status).toBe(201)
        const got = await fetch(server.url + pushed.headers.get('location'), { headers })
        expect(Buffer.from(await got.arrayBuffer()).equals(body)).toBe(true)
        // The same bytes again, by every way: what is stored already is only hashed.
        const whole = { method: 'POST', headers, body }
        const path = `/v2/acme/again/blobs/uploads/?digest=${digestOf(body)}`
        expect((await fetch(server.url + path, whole)).status).toBe(201)
        const other = { method: 'POST', headers, body: Buffer.alloc(size) }
        expect((await fetch(server.url + path, other)).status).toBe(400)
      },
    )

    it('reject a chunk out of order with 416 and can then continue', async () => {
      const location = await openSession()
      await harness.request(location, { method: 'PATCH', token, body: bytes.subarray(0, 4) })
      for (const method of ['PATCH', 'PUT']) {
        const wrong = await harness.request(`${location}?digest=${digestOf(bytes)}`, {
          method,
          token,
          body: bytes.subarray(6),
          headers: { 'content-range': '6-9' },
        })
        expect(wrong.status).toBe(416)
        expect(wrong.headers.get('range')).toBe('0-3')
        await wrong.body?.cancel()
      }
      const status = await harness.request(location, { token })
      expect([status.status, status.headers.get('range')]).toEqual([204, '0-3'])
      const put = await harness.request(`${location}?digest=${digestOf(bytes)}`, {
        method: 'PUT',
        token,
        body: bytes.subarray(4),
        headers: { 'content-range': '4-9' },
      })
      expect(put.status).toBe(201)
    })

    it('accept one of two concurrent chunks and reject the other with 416', async () => {
      const location = await openSession()
      const patch = () => harness.request(location, { method: 'PATCH', token, body: bytes })
      const statuses = (await Promise.all([patch(), patch()])).map(({ status }) => status).sort()
      // On a slow machine they might not overlap. Then both are appended.
      expect([
        [202, 202],
        [202, 416],
      ]).toContainEqual(statuses)
      const range = (await harness.request(location, { token })).headers.get('range')
      expect(range).toBe(statuses[1] === 202 ? '0-19' : '0-9')
    })

    it.each(['POST', 'PUT', 'PUT after PATCH'])(
      'reject a %s with a wrong digest, without storing a blob',
      async (how) => {
        const wrong = digestOf(`not these bytes, ${how}`)
        let response: Response
        if (how === 'POST') {
          response = await harness.request(`/v2/acme/blobs/blobs/uploads/?digest=${wrong}`, {
            method: 'POST',
            token,
            body: bytes,
          })
        } else {
          const location = await openSession()
          if (how !== 'PUT') await harness.request(location, { method: 'PATCH', token, body: bytes })
          response = await harness.request(`${location}?digest=${wrong}`, {
            method: 'PUT',
            token,
            body: how === 'PUT' ? bytes : null,
          })
        }
        expect(response.status).toBe(400)
        expect(await codeOf(response)).toBe('DIGEST_INVALID')
        expect((await harness.request(`/v2/acme/blobs/blobs/${wrong}`, { token })).status).toBe(404)
        const left: string[] = []
        for await (const { key } of harness.registry.context.store.list('blobs/')) left.push(key)
        expect(left.some((key) => key.endsWith(wrong.slice(7)))).toBe(false)
      },
    )

    it.each([
      ['an empty blob', '', 'sha256'],
      ['an empty blob by SHA-512', '', 'sha512'],
      ['a blob by SHA-512', 'some text', 'sha512'],
    ])('accept %s in one POST', async (_what, text, algorithm) => {
      const digest = digestOf(text, algorithm)
      const response = await harness.request(`/v2/acme/blobs/blobs/uploads/?digest=${digest}`, {
        method: 'POST',
        token,
        body: text === '' ? null : text,
      })
      expect(response.status).toBe(201)
      expect(await (await harness.request(`/v2/acme/blobs/blobs/${digest}`, { token })).text()).toBe(text)
    })

    it('can be cancelled', async () => {
      const location = await openSession()
      expect((await harness.request(location, { method: 'DELETE', token })).status).toBe(204)
      const after = await harness.request(location, { method: 'PATCH', token, body: bytes })
      expect(after.status).toBe(404)
      expect(await codeOf(after)).toBe('BLOB_UPLOAD_UNKNOWN')
    })

    it('leave no chunks behind', async () => {
      await pushBlob(harness, { name: 'acme/tidy', token, bytes: Buffer.from('tidy') })
      const location = await openSession('acme/tidy')
      await harness.request(location, { method: 'PATCH', token, body: bytes })
      await harness.request(location, { method: 'DELETE', token })
      const left: string[] = []
      for await (const { key } of harness.registry.context.store.list(`uploads/${location.split('/').at(-1)}`))
        left.push(key)
      expect(left).toEqual([])
    })
  })

  describe('blobs', () => {
    const path = `/v2/acme/blobs/blobs/${digestOf(bytes)}`
    beforeAll(async () => {
      await pushBlob(harness, { name: 'acme/blobs', token, bytes })
    })

    it('return their length and no body for HEAD, over a real connection', async () => {
      const answer = await new Promise<{ length: string | undefined; body: number }>((resolve, reject) => {
        const request = httpRequest(
          `${server.url}${path}`,
          { method: 'HEAD', headers: { authorization: `Bearer ${token}` } },
          (response) => {
            let body = 0
            response.on('data', (chunk: Buffer) => {
              body += chunk.length
            })
            response.on('end', () => resolve({ length: response.headers['content-length'], body }))
          },
        )
        request.on('error', reject).end()
      })
      expect(answer).toEqual({ length: '10', body: 0 })
    })

    it.each([
      ['bytes=2-4', 206, '234', 'bytes 2-4/10'],
      ['bytes=7-', 206, '789', 'bytes 7-9/10'],
      ['bytes=-2', 206, '89', 'bytes 8-9/10'],
      ['bytes=5-99', 206, '56789', 'bytes 5-9/10'],
      ['bytes=10-12', 416, undefined, 'bytes */10'],
      ['bytes=5-0', 416, undefined, 'bytes */10'],
    ])('answer the range %s with the status %i', async (range, status, text, contentRange) => {
      const response = await harness.request(path, { token, headers: { range } })
      expect(response.status).toBe(status)
      expect(response.headers.get('content-range')).toBe(contentRange)
      const body = await response.text()
      if (text !== undefined) expect(body).toBe(text)
    })

    it('can be mounted only by callers who may read them, and do not reveal whether they exist', async () => {
      const digest = digestOf(bytes)
      const mount = (name: string, query: string, as: string) =>
        harness.request(`/v2/${name}/blobs/uploads/?mount=${digest}${query}`, { method: 'POST', token: as })
      expect((await mount('other/thief', '&from=acme/blobs', stranger)).status).toBe(202)
      expect((await mount('other/thief', '', stranger)).status).toBe(202)
      expect((await harness.request(`/v2/other/thief/blobs/${digest}`, { token: stranger })).status).toBe(404)
      const own = await mount('acme/mine', '&from=acme/blobs', token)
      expect([own.status, own.headers.get('location')]).toEqual([201, `/v2/acme/mine/blobs/${digest}`])
    })
  })

  describe('manifests', () => {
    const image = async (name: string, extra: object = {}) => {
      const config = Buffer.from('{}')
      const digest = await pushBlob(harness, { name, token, bytes: config })
      return JSON.stringify({
        schemaVersion: 2,
        mediaType: OCI_MANIFEST,
        config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest, size: 2 },
        layers: [],
        ...extra,
      })
    }
    const put = (name: string, reference: string, body: string) =>
      harness.request(`/v2/${name}/manifests/${reference}`, {
        method: 'PUT',
        token,
        body,
        headers: { 'content-type': OCI_MANIFEST },
      })

    it('are returned unchanged, by digest and by tag', async () => {
      const body = `${await image('plain/a', { custom: { kept: true } })}\n`
      const pushed = await put('plain/a', 'any-tag', body)
      expect(pushed.status).toBe(201)
      const digest = pushed.headers.get('docker-content-digest')
      expect(digest).toBe(digestOf(body))
      for (const reference of ['any-tag', digest]) {
        const got = await harness.request(`/v2/plain/a/manifests/${reference}`)
        expect(got.headers.get('content-type')).toBe(OCI_MANIFEST)
        expect(await got.text()).toBe(body)
      }
    })

    it('may have up to 4 MiB; larger ones are rejected with 413', async () => {
      const base = await image('plain/large', { annotations: { pad: '' } })
      const pad = (size: number) => base.replace('"pad":""', `"pad":"${'x'.repeat(size - base.length)}"`)
      expect((await put('plain/large', 'big', pad(4 * 1024 * 1024))).status).toBe(201)
      const refused = await put('plain/large', 'bigger', pad(4 * 1024 * 1024 + 1))
      expect(refused.status).toBe(413)
      expect(await codeOf(refused)).toBe('SIZE_INVALID')
    })

    it('are rejected without being parsed if they nest deeply or have too many values', async () => {
      const base = await image('plain/hostile', { annotations: {} })
      for (const extra of ['['.repeat(500_000) + ']'.repeat(500_000), `[${'0,'.repeat(1_000_000)}0]`]) {
        const refused = await put('plain/hostile', 'x', base.replace('{', `{"extra":${extra},`))
        expect([refused.status, await codeOf(refused)]).toEqual([400, 'MANIFEST_INVALID'])
      }
    })

    it('are rejected if they refer to a blob that was not pushed, or have another digest', async () => {
      const missing = { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: digestOf('nowhere'), size: 7 }
      const sparse = await put('plain/a', 'sparse', await image('plain/a', { layers: [missing] }))
      expect(sparse.status).toBe(201)
      const refused = await put('plain/a', 'x', await image('plain/a', { config: missing }))
      expect(refused.status).toBe(400)
      expect(await codeOf(refused)).toBe('MANIFEST_BLOB_UNKNOWN')
      const other = await put('plain/a', digestOf('other'), await image('plain/a'))
      expect(other.status).toBe(400)
      expect(await codeOf(other)).toBe('DIGEST_INVALID')
      expect(await codeOf(await put('plain/a', 'x', 'not json'))).toBe('MANIFEST_INVALID')
    })

    it.each([
      ['layers', { layers: [] }],
      ['config', { config: { mediaType: 'x', digest: digestOf(''), size: 0 } }],
    ])('are rejected if they have "manifests" and "%s": clients would read either', async (member, extra) => {
      for (const type of [OCI_MANIFEST, OCI_INDEX]) {
        const body = JSON.stringify({ schemaVersion: 2, mediaType: type, manifests: [], ...extra })
        const headers = { 'content-type': type }
        const refused = await harness.request('/v2/plain/a/manifests/x', { method: 'PUT', token, body, headers })
        expect(refused.status).toBe(400)
        expect(((await refused.json()) as OciErrors).errors[0]).toMatchObject({
          code: 'MANIFEST_INVALID',
          message: expect.stringContaining(`both "manifests" and "${member}"`),
        })
      }
    })

    it('are rejected if they give another size of a blob or a manifest than it has', async () => {
      const body = await image('plain/sized')
      const wrong = await put('plain/sized', 'x', body.replace('"size":2', '"size":3'))
      expect(wrong.status).toBe(400)
      expect(((await wrong.json()) as OciErrors).errors[0]?.message).toContain('is 2 bytes; the manifest says 3')
      const child = (await put('plain/sized', 'child', body)).headers.get('docker-content-digest')
      const index = JSON.stringify({
        schemaVersion: 2,
        mediaType: OCI_INDEX,
        manifests: [{ mediaType: OCI_MANIFEST, digest: child, size: body.length + 1 }],
      })
      const headers = { 'content-type': OCI_INDEX }
      const refused = await harness.request('/v2/plain/sized/manifests/i', {
        method: 'PUT',
        token,
        body: index,
        headers,
      })
      expect([refused.status, await codeOf(refused)]).toEqual([400, 'MANIFEST_INVALID'])
    })

    it('may refer to more digests than PostgreSQL takes parameters', async () => {
      const descriptors = Array.from({ length: 16_384 }, (_, index) => ({
        mediaType: OCI_MANIFEST,
        digest: digestOf(String(index)),
        size: 7,
      }))
      const index = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: descriptors })
      const headers = { 'content-type': OCI_INDEX }
      const path = '/v2/plain/wide/manifests/'
      const pushed = await harness.request(`${path}index`, { method: 'PUT', token, body: index, headers })
      expect(pushed.status).toBe(201)
      expect((await put('plain/wide', 'image', await image('plain/wide', { layers: descriptors }))).status).toBe(201)
    })

    it('may be pushed with up to 100 tags', async () => {
      const body = await image('plain/tagged')
      const push = (count: number) => {
        const query = Array.from({ length: count }, (_, index) => `tag=t${index}`).join('&')
        return put('plain/tagged', `${digestOf(body)}?${query}`, body)
      }
      const pushed = await push(100)
      expect(pushed.status).toBe(201)
      expect(pushed.headers.get('oci-tag')?.split(', ')).toHaveLength(100)
      expect((await push(101)).status).toBe(414)
    })

    it('and blobs are answered with 304 to a client that has them', async () => {
      const body = await image('plain/known')
      await put('plain/known', 'x', body)
      const config = (JSON.parse(body) as { config: { digest: string } }).config.digest
      for (const path of ['/v2/plain/known/manifests/x', `/v2/plain/known/blobs/${config}`]) {
        const etag = (await readAll(harness.request(path))).headers.get('etag') ?? ''
        for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
          const answer = await harness.request(path, { headers: { 'if-none-match': known } })
          expect([answer.status, answer.headers.get('etag'), await answer.text()]).toEqual([304, etag, ''])
        }
        const other = await readAll(harness.request(path, { headers: { 'if-none-match': '"other"' } }))
        expect(other.status).toBe(200)
      }
    })

    it('have a list of referrers, even before they are pushed', async () => {
      const empty = await harness.request(`/v2/other/unknown/referrers/${digestOf('x')}`)
      expect(await empty.json()).toMatchObject({ schemaVersion: 2, manifests: [] })
      const subject = { mediaType: OCI_MANIFEST, digest: digestOf('subject'), size: 7 }
      const body = await image('plain/refers', { subject, artifactType: 'application/x.signature' })
      const pushed = await put('plain/refers', digestOf(body), body)
      expect(pushed.headers.get('oci-subject')).toBe(subject.digest)
      const path = `/v2/plain/refers/referrers/${subject.digest}`
      const found = (await (await harness.request(path)).json()) as { manifests: unknown[] }
      expect(found.manifests).toMatchObject([{ digest: digestOf(body), artifactType: 'application/x.signature' }])
      const filtered = await harness.request(`${path}?artifactType=other`)
      expect(filtered.headers.get('oci-filters-applied')).toBe('artifactType')
      expect(await filtered.json()).toMatchObject({ manifests: [] })
    })
  })

  it('lists tags in lexical order, with a Link to the next page', async () => {
    const name = 'acme/tags'
    for (const version of ['1.0.0', '1.10.0', '1.2.0']) await pushBundle(harness, { name, version, token })
    const first = await harness.request(`/v2/${name}/tags/list?n=2`, { token })
    expect(await first.json()).toEqual({ name, tags: ['1.0.0', '1.10.0'] })
    const next = /^<(.+)>; rel="next"$/.exec(first.headers.get('link') ?? '')?.[1] ?? ''
    const second = await harness.request(next, { token })
    expect(await second.json()).toEqual({ name, tags: ['1.2.0'] })
    expect(second.headers.get('link')).toBeNull()
    const none = await harness.request(`/v2/${name}/tags/list?n=0`, { token })
    expect([await none.json(), none.headers.get('link')]).toEqual([{ name, tags: [] }, null])
    const after = await harness.request(`/v2/${name}/tags/list?last=1.1`, { token })
    expect(await after.json()).toEqual({ name, tags: ['1.10.0', '1.2.0'] })
  })

  it.each(['plain', 'plain/a/b/c', 'plain/a__b', 'plain/a--b', 'plain/a.b_c---d'])(
    'takes "%s" as the name of a plain repository',
    async (name) => {
      const digest = await pushBlob(harness, { name, token, bytes })
      expect((await readAll(harness.request(`/v2/${name}/blobs/${digest}`, { token }))).status).toBe(200)
    },
  )

  it.each(['plain/a___b', 'plain/a..b', 'plain/-a', 'plain//a', `plain/${'a'.repeat(250)}`, 'acme/a/b', 'acme/a--b'])(
    'refuses the name "%s"; a push with DENIED, after which Docker does not try again for 50 seconds',
    async (name) => {
      const read = await harness.request(`/v2/${name}/tags/list`, { token })
      expect([read.status, await codeOf(read)]).toEqual([400, 'NAME_INVALID'])
      const push = await harness.request(`/v2/${name}/blobs/uploads/`, { method: 'POST', token })
      expect([push.status, await codeOf(push)]).toEqual([403, 'DENIED'])
    },
  )

  describe('the catalogue', () => {
    it('lists the repositories of the namespaces of the caller, in pages', async () => {
      for (const name of ['plain/list-b', 'plain/list-a', 'acme/list']) await pushBlob(harness, { name, token, bytes })
      const read = async (path: string, as: string) => {
        const answer = await harness.request(path, { token: as })
        const { repositories } = (await answer.json()) as { repositories: string[] }
        return { repositories, link: answer.headers.get('link') ?? '' }
      }
      const all = await read('/v2/_catalog', token)
      expect(all.repositories).toEqual([...all.repositories].sort())
      expect(all.repositories).toEqual(expect.arrayContaining(['plain/list-a', 'plain/list-b', 'acme/list']))
      const paged: string[] = []
      for (let path = '/v2/_catalog?n=2'; path !== ''; ) {
        const { repositories, link } = await read(path, token)
        paged.push(...repositories)
        path = /^<(.+)>; rel="next"$/.exec(link)?.[1] ?? ''
      }
      expect(paged).toEqual(all.repositories)
      expect((await read('/v2/_catalog', stranger)).repositories).not.toContain('acme/list')
    })

    it('is for callers who log in, also with a grant for it', async () => {
      const anonymous = await harness.request('/v2/_catalog')
      expect(anonymous.status).toBe(401)
      expect(anonymous.headers.get('www-authenticate')).toContain('scope="registry:catalog:*"')
      const authorization = `Basic ${Buffer.from(`ada:${token}`).toString('base64')}`
      const grant = async (scope: string) => {
        const answer = await harness.request(`/token?scope=${scope}`, { headers: { authorization } })
        return ((await answer.json()) as { token: string }).token
      }
      const list = async (scope: string) => {
        const answer = await harness.request('/v2/_catalog', { token: await grant(scope) })
        return ((await answer.json()) as { repositories: string[] }).repositories
      }
      expect(await list('registry:catalog:*')).toContain('acme/list')
      expect(await list('repository:acme/list:pull')).toEqual([])
    })
  })

  it('rejects invalid names and unknown paths with OCI errors', async () => {
    expect(await codeOf(await harness.request('/v2/Acme/yolo/tags/list', { token }))).toBe('NAME_INVALID')
    expect(await codeOf(await harness.request('/v2/one/tags/list', { token }))).toBe('NAME_INVALID')
    expect(await codeOf(await harness.request('/v2/acme/yolo/nothing', { token }))).toBe('UNSUPPORTED')
    expect((await harness.request('/v2/acme/yolo/tags/list', { method: 'PUT', token })).status).toBe(405)
  })

  describe('versions', () => {
    it('become immutable when they are published: until then other bytes take their place', async () => {
      const options = { name: 'acme/fixed', version: '1.0.0', token }
      const first = await pushBundle(harness, options)
      const again = await pushBundle(harness, options)
      expect([first.status, again.status]).toEqual([201, 201])
      expect(again.headers.get('trainyard-check')).toBe(first.headers.get('trainyard-check'))
      const manifest = trainerManifest('acme/fixed', '1.0.0', { description: 'Changed' })
      const other = await pushBundle(harness, { ...options, manifest })
      expect(other.status).toBe(201)
      expect(await endOfCheck(harness, token, first)).toMatchObject({
        state: 'rejected',
        checks: expect.arrayContaining([
          expect.objectContaining({ status: 'skipped', reason: 'the version was pushed again with other contents' }),
        ]),
      })
      await harness.registry.start()
      expect((await endOfCheck(harness, token, other)).state).toBe('published')
      const late = await pushBundle(harness, options)
      expect(late.status).toBe(403)
      const { errors } = (await late.json()) as OciErrors
      expect(errors[0]?.code).toBe('DENIED')
      expect(errors[0]?.message).toMatch(/acme\/fixed:1\.0\.0 exists with another bundle.+raise "version"/)
    })

    it.each(['latest', 'dev', 'v1.0.0', '1.0', '01.0.0'])('cannot be named "%s"', async (version) => {
      const refused = await pushBundle(harness, { name: 'acme/fixed', version, token })
      expect(refused.status).toBe(403)
      expect(await codeOf(refused)).toBe('DENIED')
    })

    it('cannot be deleted', async () => {
      await pushBundle(harness, { name: 'acme/fixed', version: '1.0.0', token })
      const refused = await harness.request('/v2/acme/fixed/manifests/1.0.0', { method: 'DELETE', token })
      expect(refused.status).toBe(405)
      expect(await codeOf(refused)).toBe('UNSUPPORTED')
    })
  })
})

it('redirects blob pulls to the object store if configured, and answers HEAD itself', async () => {
  const harness = await createHarness({ config: { redirectPulls: true } })
  try {
    const token = await harness.token(['push:acme'])
    const digest = await pushBlob(harness, { name: 'acme/far', token, bytes: Buffer.from('far away') })
    const path = `/v2/acme/far/blobs/${digest}`
    const head = await harness.request(path, { method: 'HEAD', token })
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '8'])
    const get = await harness.request(path, { token })
    expect(get.status).toBe(307)
    const location = get.headers.get('location') ?? ''
    expect(location).toMatch(/^http:\/\/127\.0\.0\.1:7600\/storage\//)
    expect(Number(new URL(location).searchParams.get('expires')) - Date.now() / 1000).toBeLessThanOrEqual(61)
  } finally {
    await harness.close()
  }
})

describe('quarantine', () => {
  it('hides a version from everyone but its owner until its checks pass', async () => {
    const harness = await createHarness()
    try {
      const token = await harness.token(['push:acme'])
      const stranger = await harness.token(['push:other'], 'eve')
      const name = 'acme/quiet'
      const layers = [[{ name: 'trainer.json', body: JSON.stringify(trainerManifest(name, '1.0.0')) }]]
      const pushed = await pushImage(harness, { name, version: '1.0.0', token, layers })
      const digest = pushed.headers.get('docker-content-digest')
      const manifest = (await (await harness.request(`/v2/${name}/manifests/1.0.0`, { token })).json()) as {
        layers: { digest: string }[]
      }
      const paths = [
        `/v2/${name}/manifests/1.0.0`,
        `/v2/${name}/manifests/${digest}`,
        `/v2/${name}/manifests/latest`,
        `/v2/${name}/blobs/${manifest.layers[0]?.digest}`,
        `/v2/${name}/tags/list`,
      ]
      for (const path of paths) {
        const seen = await harness.request(path, { token: stranger })
        expect([path, seen.status, await codeOf(seen)]).toEqual([path, 404, 'NAME_UNKNOWN'])
        expect((await harness.request(path)).status).toBe(401)
      }
      await harness.registry.start()
      await endOfCheck(harness, token, pushed)
      for (const path of paths) expect([path, (await readAll(harness.request(path))).status]).toEqual([path, 200])

      // The next version fails its checks. It is denied with the reason, and the first stays available.
      const bad = await pushImage(harness, { name, version: '1.1.0', token, layers })
      expect((await endOfCheck(harness, token, bad)).state).toBe('rejected')
      const denied = await harness.request(`/v2/${name}/manifests/1.1.0`, { token: stranger })
      expect(denied.status).toBe(403)
      const { errors } = (await denied.json()) as OciErrors
      expect(errors[0]).toMatchObject({ code: 'DENIED' })
      expect(errors[0]?.message).toContain('the check "manifest" failed')
      expect(await (await harness.request(`/v2/${name}/tags/list`)).json()).toEqual({ name, tags: ['1.0.0'] })
      expect(await (await harness.request(`/v2/${name}/tags/list`, { token })).json()).toEqual({
        name,
        tags: ['1.0.0', '1.1.0'],
      })
    } finally {
      await harness.close()
    }
  })
})

async function readAll(answer: Promise<Response>): Promise<Response> {
  const response = await answer
  await response.arrayBuffer()
  return response
}
