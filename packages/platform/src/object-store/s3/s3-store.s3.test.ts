import { describe, it } from 'vitest'
import { readStoreConfig } from '../create-store.ts'
import { objectStoreCases } from '../object-store.cases.ts'
import { createS3Store } from './s3-store.ts'

if (process.env.S3_ENDPOINT) {
  objectStoreCases(`S3 at ${process.env.S3_ENDPOINT}`, async () => {
    const config = readStoreConfig(process.env)
    if (config.kind !== 's3') throw new Error('S3_ENDPOINT is set, but the configured store is not S3')
    return { store: createS3Store(config), close: () => Promise.resolve() }
  })
} else {
  describe('object store: S3', () => {
    it.skip('needs S3_ENDPOINT, S3_BUCKET, AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; any MinIO will do', () => {})
  })
  console.warn(
    'skipped: the S3 object store. Start an S3 server (for example MinIO) and set S3_ENDPOINT, S3_BUCKET, AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
  )
}
