import { randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createFailingFiles } from '@trainyard/platform/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createHarness, digestOf, type Harness } from '../testing/harness.ts'
import { collectGarbage } from './collect-garbage.ts'

/** More calls of the file system than an upload has. */
const MAX_CALLS = 200

const files = createFailingFiles()
let harness: Harness
let token: string
beforeAll(async () => {
  harness = await createHarness({ fileSystem: files.fileSystem })
  token = await harness.token(['push:*', 'pull:*'])
})
afterAll(() => harness.close())

interface Sent {
  method: 'POST' | 'PATCH' | 'PUT'
  path: string
  body?: Uint8Array<ArrayBuffer> | undefined
}

async function send({ method, path, body }: Sent) {
  const headers = { 'content-type': 'application/octet-stream' }
  const response = await harness.request(path, { method, body: body ?? null, token, headers })
  return {
    status: response.status,
    retryAfter: response.headers.get('retry-after'),
    location: response.headers.get('location')?.replace(/^https?:\/\/[^/]+/, '') ?? '',
    text: await response.text(),
  }
}

/** Sends as clients do: what the disk did not take is refused with 503, and sent again. */
async function sendUntilTaken(sent: Sent, code: string) {
  const answer = await send(sent)
  if (answer.status < 400) return answer
  expect(answer).toMatchObject({ status: 503, retryAfter: expect.stringMatching(/^\d+$/) })
  expect(JSON.parse(answer.text)).toMatchObject({ code: 'storage_unavailable', errors: [{ code: 'UNAVAILABLE' }] })
  if (code === 'ENOSPC') expect(answer.text).toContain('disk is full')
  return await send(sent)
}

const UPLOADS = '/v2/plain/model/blobs/uploads/'
const withDigest = (path: string, digest: string) => `${path}${path.includes('?') ? '&' : '?'}digest=${digest}`

interface Kind {
  algorithm?: 'sha512'
  upload(blob: Uint8Array<ArrayBuffer>, digest: string, code: string): Promise<{ status: number; text: string }>
}

async function chunked(parts: Uint8Array<ArrayBuffer>[], digest: string, code: string) {
  let { location } = await sendUntilTaken({ method: 'POST', path: UPLOADS }, code)
  for (const body of parts) {
    const answer = await sendUntilTaken({ method: 'PATCH', path: location, body }, code)
    expect(answer).toMatchObject({ status: 202 })
    location = answer.location
  }
  return await sendUntilTaken({ method: 'PUT', path: withDigest(location, digest) }, code)
}

const KINDS: Record<string, Kind> = {
  'a blob in one POST': {
    upload: (body, digest, code) => sendUntilTaken({ method: 'POST', path: withDigest(UPLOADS, digest), body }, code),
  },
  'a blob in one PUT': {
    async upload(body, digest, code) {
      const { location } = await sendUntilTaken({ method: 'POST', path: UPLOADS }, code)
      return await sendUntilTaken({ method: 'PUT', path: withDigest(location, digest), body }, code)
    },
  },
  'a blob in one PATCH': { upload: (body, digest, code) => chunked([body], digest, code) },
  'a blob in three chunks': {
    upload: (body, digest, code) => chunked([body.slice(0, 500), body.slice(500, 900), body.slice(900)], digest, code),
  },
  'a blob whose last chunk comes with the PUT': {
    async upload(body, digest, code) {
      const { location } = await sendUntilTaken({ method: 'POST', path: UPLOADS }, code)
      const first = await sendUntilTaken({ method: 'PATCH', path: location, body: body.slice(0, 700) }, code)
      const path = withDigest(first.location, digest)
      return await sendUntilTaken({ method: 'PUT', path, body: body.slice(700) }, code)
    },
  },
  'a blob with a SHA-512 digest': {
    algorithm: 'sha512',
    upload: (body, digest, code) => chunked([body], digest, code),
  },
}

/** Everything in the store's folder that is no blob. */
async function listLeftovers(): Promise<string[]> {
  const paths = await readdir(join(harness.config.dataDir, 'store'), { recursive: true, withFileTypes: true })
  return paths
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.includes('/objects/blobs'))
}

/** The store treats them alike: each call fails with one of them. */
const CODES = ['ENOSPC', 'EIO', 'EMFILE'] as const

describe('a push during which one call of the file system fails', () => {
  it.each(Object.keys(KINDS))(
    'is refused or kept whole, taken when it is sent again, and leaves nothing: %s',
    {
      timeout: 60_000,
    },
    async (name) => {
      const kind = KINDS[name]
      if (kind === undefined) throw new Error(`no kind "${name}"`)
      let call = 1
      for (; call < MAX_CALLS; call++) {
        const code = CODES[call % CODES.length] ?? 'EIO'
        const blob = new Uint8Array(randomBytes(2000))
        const digest = digestOf(blob, kind.algorithm ?? 'sha256')
        files.arm(call, code)
        const answer = await kind.upload(blob, digest, code)
        const failed = files.disarm()
        const about = `after ${code} in ${failed}, call ${call}: ${answer.text}`
        // An upload that was ended although its answer failed is unknown, and clients find the blob.
        expect([201, 404], about).toContain(answer.status)
        const pulled = await harness.request(`/v2/plain/model/blobs/${digest}`, { token })
        expect(pulled.status, about).toBe(200)
        expect(Buffer.from(await pulled.arrayBuffer()).equals(blob), about).toBe(true)
        expect(files.openFiles(), about).toBe(0)
        if (failed === undefined) break
      }
      expect(call).toBeGreaterThan(5)
      expect(call).toBeLessThan(MAX_CALLS)
      const { database } = harness.registry.context
      expect(await database.db.selectFrom('uploads').select('id').execute()).toEqual([])
      await collectGarbage(harness.registry.context)
      expect(await listLeftovers()).toEqual([])
    },
  )
})
