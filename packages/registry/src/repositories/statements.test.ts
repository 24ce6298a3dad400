import { randomBytes } from 'node:crypto'
import { DEFAULT_AUTH } from '@trainyard/platform'
import { type FaultyDatabase, startFaultyDatabase } from '@trainyard/platform/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createHarness, digestOf, type Harness, pushBlob } from '../testing/harness.ts'

const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json'

/** Each costs two processes a turn on the processor: pulls and pushes have few of them. */
describe('the statements of a request', () => {
  let database: FaultyDatabase
  let harness: Harness
  let token: string
  beforeAll(async () => {
    database = await startFaultyDatabase()
    // The counts of requests are shared by a statement a second, of no request.
    const requestLimits = { enabled: false, anonymous: 1, reads: 1, writes: 1 }
    const auth = { ...DEFAULT_AUTH, mode: 'required' as const, requestLimits }
    harness = await createHarness({ config: { databaseUrl: database.url, auth } })
    token = await harness.token(['push:*', 'pull:*'])
  })
  afterAll(async () => {
    await harness.close()
    await database.close()
  })

  const request = async (path: string, init: RequestInit & { token?: string | undefined } = {}) => {
    const before = database.statements()
    const response = await harness.request(path, init)
    await response.clone().arrayBuffer()
    return { response, statements: database.statements() - before }
  }

  it('are the caller and the content for a pull', async () => {
    const name = 'plain/pulled'
    const bytes = randomBytes(3000)
    const digest = await pushBlob(harness, { name, token, bytes })
    const descriptor = { mediaType: 'application/octet-stream', digest, size: bytes.byteLength }
    const manifest = JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST_TYPE,
      config: descriptor,
      layers: [descriptor],
    })
    const headers = { 'content-type': MANIFEST_TYPE }
    const put = await request(`/v2/${name}/manifests/a`, { method: 'PUT', token, headers, body: manifest })
    expect(put.response.status).toBe(201)
    for (const path of [`manifests/a`, `manifests/${digestOf(manifest)}`, `blobs/${digest}`]) {
      const { response, statements } = await request(`/v2/${name}/${path}`, { token })
      expect(response.status).toBe(200)
      expect(statements, path).toBe(2)
    }
  })

  it('are the caller, the session and the link for a push of a blob', async () => {
    const name = 'plain/pushed'
    await pushBlob(harness, { name, token, bytes: randomBytes(10) })
    const opened = await request(`/v2/${name}/blobs/uploads/`, { method: 'POST', token })
    expect(opened.response.status).toBe(202)
    expect(opened.statements).toBe(2)
    const body = randomBytes(2000)
    const path = `${opened.response.headers.get('location')}?digest=${digestOf(body)}`
    const put = await request(path, { method: 'PUT', token, body })
    expect(put.response.status).toBe(201)
    expect(put.statements).toBe(3)
  })
})
