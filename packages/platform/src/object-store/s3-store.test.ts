import { describe, expect, it } from 'vitest'
import { createS3Store } from './s3-store.ts'

const options = { region: 'us-east-1', bucket: 'b', accessKeyId: 'k', secretAccessKey: 'hidden' }

describe('the S3 store', () => {
  it('says that the store does not answer, and that a retry may help', async () => {
    const store = createS3Store({ ...options, endpoint: 'http://127.0.0.1:1' })
    const away = { code: 'storage_unavailable', retryable: true, retryAfterSeconds: 5 }
    await expect(store.find('a')).rejects.toMatchObject(away)
    await expect(store.put('a', Buffer.from('x'))).rejects.toMatchObject(away)
  })

  it('signs for the public endpoint, binding size, type and digest to the signature', async () => {
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

  it('signs for its own endpoint too, for what runs beside it', async () => {
    const own = createS3Store({ ...options, endpoint: 'http://minio:9000', publicEndpoint: 'https://s3.example.org' })
    expect((await own.nearby?.openBucket?.('other').signGet('a'))?.url).toMatch(/^http:\/\/minio:9000\/other\/a\?/)
    expect(createS3Store({ ...options, endpoint: 'http://minio:9000' }).nearby).toBeUndefined()
  })
})
