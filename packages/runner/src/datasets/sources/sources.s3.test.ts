import { createS3Store, readStoreConfig } from '@trainyard/platform'
import { describe, it } from 'vitest'
import { sourceCases } from './sources.cases.ts'

if (process.env.S3_ENDPOINT) {
  const config = readStoreConfig(process.env)
  if (config.kind !== 's3') throw new Error('S3_ENDPOINT is set, so this must be S3')
  const store = createS3Store(config)
  sourceCases(`S3 at ${process.env.S3_ENDPOINT}`, () => ({ store, bucket: config.bucket, fetch }))
} else {
  describe('datasets in a source: S3', () => {
    it.skip('needs S3_ENDPOINT and the variables that belong to it; any MinIO will do', () => {})
  })
  console.warn('Skipped: datasets in a bucket. Start an S3 server (for example MinIO) and set S3_ENDPOINT.')
}
