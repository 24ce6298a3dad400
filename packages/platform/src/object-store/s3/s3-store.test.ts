import { createServer, type IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { createS3Store } from './s3-store.ts'

const options = { region: 'us-east-1', bucket: 'b', accessKeyId: 'k', secretAccessKey: 'hidden' }
const MIB = 1024 * 1024

describe('the S3 store', () => {
  it('reports a store that does not answer as a retryable error', async () => {
    const store = createS3Store({ ...options, endpoint: 'http://127.0.0.1:1' })
    const unavailable = { code: 'storage_unavailable', retryable: true, retryAfterSeconds: 5 }
    await expect(store.find('a')).rejects.toMatchObject(unavailable)
    await expect(store.put('a', Buffer.from('x'))).rejects.toMatchObject(unavailable)
  })

  it('signs for the public endpoint, with size, type and digest in the signature', async () => {
    const store = createS3Store({ ...options, endpoint: 'http://minio:9000', publicEndpoint: 'https://s3.example.org' })
    const sha256 = '00'.repeat(32)
    const { url, headers } = await store.signPut('a/b c.bin', { sizeBytes: 7, sha256, expiresInSeconds: 60 })
    expect(url).toMatch(/^https:\/\/s3\.example\.org\/b\/a\/b%20c\.bin\?/)
    expect(url).not.toContain('hidden')
    const query = new URL(url).searchParams
    expect(query.get('X-Amz-Expires')).toBe('60')
    expect(query.get('X-Amz-SignedHeaders')).toBe('content-length;content-type;host;x-amz-checksum-sha256')
    expect(headers).toEqual({
      'content-length': '7',
      'content-type': 'application/octet-stream',
      'x-amz-checksum-sha256': Buffer.from(sha256, 'hex').toString('base64'),
    })
  })

  it('signs for its own endpoint with `nearby`', async () => {
    const own = createS3Store({ ...options, endpoint: 'http://minio:9000', publicEndpoint: 'https://s3.example.org' })
    expect((await own.nearby?.openBucket?.('other').signGet('a'))?.url).toMatch(/^http:\/\/minio:9000\/other\/a\?/)
    expect(createS3Store({ ...options, endpoint: 'http://minio:9000' }).nearby).toBeUndefined()
  })
})

describe('a multipart upload', () => {
  const stops: (() => void)[] = []
  afterEach(() => {
    for (const stop of stops.splice(0)) stop()
  })

  /** An S3 that only accepts uploads, and records the order of its requests. */
  async function startServer(answerPart: (partNumber: number) => number | Promise<number>) {
    const requests: string[] = []
    let active = 0
    let mostActive = 0
    const answer = async (request: IncomingMessage): Promise<{ status: number; body?: string; etag?: string }> => {
      for await (const _ of request);
      const query = new URL(request.url ?? '', 'http://s3').searchParams
      const part = query.get('partNumber')
      if (part !== null) {
        active++
        mostActive = Math.max(mostActive, active)
        const status = await answerPart(Number(part))
        active--
        requests.push(`part ${part}: ${status}`)
        return { status, etag: `"part-${part}"` }
      }
      if (request.method === 'DELETE') {
        requests.push('abort')
        return { status: 204 }
      }
      if (query.has('uploads')) return { status: 200, body: '<R><UploadId>u</UploadId></R>' }
      requests.push(query.has('uploadId') ? 'complete' : 'put')
      return { status: 200, body: '<R><ETag>"whole"</ETag></R>', etag: '"whole"' }
    }
    const server = createServer((request, response) => {
      answer(request).then(({ status, body, etag }) => {
        if (etag !== undefined) response.setHeader('etag', etag)
        response.writeHead(status).end(body)
      }, response.destroy)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    stops.push(() => {
      server.closeAllConnections()
      server.close()
    })
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const store = createS3Store({ ...options, endpoint: `http://127.0.0.1:${port}` })
    return { store, requests, mostActive: () => mostActive }
  }

  async function* bytes(mebibytes: number, onRead: (mebibyte: number) => void = () => undefined) {
    for (let count = 1; count <= mebibytes; count++) {
      onRead(count)
      yield Buffer.alloc(MIB, count)
    }
  }

  it('sends several parts at a time, and does not read far ahead of them', async () => {
    let sent = 0
    let mostAhead = 0
    const { store, requests, mostActive } = await startServer(async () => {
      await sleep(30)
      sent++
      return 200
    })
    const body = bytes(160, (count) => {
      mostAhead = Math.max(mostAhead, count - sent * 16)
    })
    expect(await store.put('large', body)).toMatchObject({ sizeBytes: 160 * MIB, etag: '"whole"' })
    expect(requests).toHaveLength(11)
    expect(requests.at(-1)).toBe('complete')
    expect(mostActive()).toBeGreaterThan(1)
    expect(mostActive()).toBeLessThanOrEqual(4)
    // Four parts that are being sent, and one that is being read.
    expect(mostAhead).toBeLessThanOrEqual(5 * 16 + 2)
  })

  it('is not used for a single part', async () => {
    const { store, requests } = await startServer(() => 200)
    expect(await store.put('small', bytes(16))).toMatchObject({ sizeBytes: 16 * MIB })
    expect(requests).toEqual(['put'])
  })

  it('is aborted after all parts in progress when one of them is refused', async () => {
    const { store, requests } = await startServer(async (part) => {
      await sleep(part === 2 ? 0 : 100)
      return part === 2 ? 403 : 200
    })
    await expect(store.put('large', bytes(160))).rejects.toMatchObject({ code: 'storage_unavailable' })
    expect(requests).toContain('part 2: 403')
    expect(requests.at(-1)).toBe('abort')
    expect(requests.length).toBeLessThan(8)
  })

  it('is aborted when the sender fails, with the error of the sender', async () => {
    const { store, requests } = await startServer(() => 200)
    const body = bytes(160, (count) => {
      if (count === 50) throw new Error('the sender went away')
    })
    await expect(store.put('large', body)).rejects.toThrow('the sender went away')
    expect(requests.at(-1)).toBe('abort')
    expect(requests).not.toContain('complete')
  })
})
