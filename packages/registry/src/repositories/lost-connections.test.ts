import { createHash, randomBytes } from 'node:crypto'
import { type FaultyDatabase, type StatementFault, startFaultyDatabase } from '@trainyard/platform/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createHarness, type Harness } from '../testing/harness.ts'

/** More statements than a request has. */
const MAX_CALLS = 60
const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json'
const digestOf = (bytes: Uint8Array) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

describe('a push to a registry that loses its connection to the database', () => {
  let database: FaultyDatabase
  let harness: Harness
  let token: string
  beforeAll(async () => {
    database = await startFaultyDatabase()
    harness = await createHarness({ config: { databaseUrl: database.url } })
    token = await harness.token(['push:*', 'pull:*'])
  })
  afterAll(async () => {
    await harness.close()
    await database.close()
  })

  interface Sent {
    method: string
    path: string
    body?: Uint8Array<ArrayBuffer>
    type?: string
  }
  const send = ({ method, path, body, type = 'application/octet-stream' }: Sent) =>
    harness.request(path, { method, body: body ?? null, token, headers: { 'content-type': type } })

  /** Sends with a fault at one statement; where that is refused, it must be with 503, and is sent again as clients do. */
  async function sendFaulty(sent: Sent, call: number, fault: StatementFault, expected: number) {
    database.arm(call, fault)
    let response = await send(sent)
    const wasLost = database.disarm()
    const what = `${sent.method} ${sent.path}, statement ${call}`
    if (response.status !== expected) {
      expect(wasLost, `${what}: ${response.status} ${await response.clone().text()}`).toBe(true)
      expect(response.status, what).toBe(503)
      expect(response.headers.get('retry-after'), what).toBe('2')
      response = await send(sent)
    }
    return { response, wasLost, what }
  }

  async function uploadUrl(): Promise<string> {
    const response = await send({ method: 'POST', path: '/v2/plain/model/blobs/uploads/' })
    const location = response.headers.get('location') ?? ''
    return location.replace(/^https?:\/\/[^/]+/, '')
  }

  const pull = async (path: string) => {
    const response = await harness.request(path, { token, headers: { accept: MANIFEST_TYPE } })
    return { status: response.status, bytes: new Uint8Array(await response.arrayBuffer()) }
  }

  describe.each<[StatementFault, string]>([
    ['before', 'the statement reaches it'],
    ['after', 'it has carried the statement out'],
  ])('%s %s', (fault) => {
    it('keeps every blob whose upload it acknowledges', async () => {
      let call = 1
      for (; call < MAX_CALLS; call++) {
        const body = new Uint8Array(randomBytes(2000))
        const digest = digestOf(body)
        const location = await uploadUrl()
        const path = `${location}${location.includes('?') ? '&' : '?'}digest=${digest}`
        const { response, wasLost, what } = await sendFaulty({ method: 'PUT', path, body }, call, fault, 201)
        // The answer to an upload that was completed can be lost. Then it is unknown, and clients find the blob.
        if (response.status === 201 || fault === 'before') expect(response.status, what).toBe(201)
        else expect(response.status, what).toBe(404)
        const pulled = await pull(`/v2/plain/model/blobs/${digest}`)
        expect(pulled.status, what).toBe(200)
        expect(digestOf(pulled.bytes), what).toBe(digest)
        if (!wasLost) break
      }
      expect(call).toBeGreaterThan(1)
      expect(call).toBeLessThan(MAX_CALLS)
    })

    it('keeps every manifest and tag that it acknowledges', async () => {
      const config = new Uint8Array(randomBytes(200))
      const location = await uploadUrl()
      const path = `${location}${location.includes('?') ? '&' : '?'}digest=${digestOf(config)}`
      expect((await send({ method: 'PUT', path, body: config })).status).toBe(201)
      let call = 1
      for (; call < MAX_CALLS; call++) {
        const descriptor = { mediaType: 'application/octet-stream', digest: digestOf(config), size: config.byteLength }
        const manifest = { schemaVersion: 2, mediaType: MANIFEST_TYPE, config: descriptor, layers: [descriptor] }
        const body = new TextEncoder().encode(JSON.stringify({ ...manifest, annotations: { fault, call: `${call}` } }))
        const path = `/v2/plain/model/manifests/${fault}-${call}`
        const { response, wasLost, what } = await sendFaulty(
          { method: 'PUT', path, body, type: MANIFEST_TYPE },
          call,
          fault,
          201,
        )
        expect(response.status, what).toBe(201)
        for (const pulled of [await pull(path), await pull(`/v2/plain/model/manifests/${digestOf(body)}`)]) {
          expect(pulled.status, what).toBe(200)
          expect(digestOf(pulled.bytes), what).toBe(digestOf(body))
        }
        if (!wasLost) break
      }
      expect(call).toBeGreaterThan(1)
      expect(call).toBeLessThan(MAX_CALLS)
    })
  })
})
