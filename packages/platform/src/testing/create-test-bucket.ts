import { randomBytes } from 'node:crypto'
import { CreateBucketCommand, DeleteBucketCommand } from '@aws-sdk/client-s3'
import { readStoreConfig } from '../object-store/create-store.ts'
import type { ObjectStore } from '../object-store/object-store.ts'
import { createS3Client } from '../object-store/s3/s3-client.ts'
import { createS3Store } from '../object-store/s3/s3-store.ts'

export interface TestBucket {
  /** Settings of the server in `S3_ENDPOINT` with this bucket. */
  env: Record<string, string>
  store: ObjectStore
  drop(): Promise<void>
}

/** An empty bucket of its own, on the server that `S3_ENDPOINT` and the other variables name. */
export async function createTestBucket(): Promise<TestBucket> {
  const bucket = `trainyard-test-${randomBytes(6).toString('hex')}`
  const config = readStoreConfig({ ...process.env, S3_BUCKET: bucket })
  if (config.kind !== 's3') throw new Error('S3_ENDPOINT is not set')
  const client = createS3Client(config, config.endpoint)
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  const store = createS3Store(config)
  return {
    env: {
      S3_ENDPOINT: config.endpoint ?? '',
      S3_BUCKET: bucket,
      AWS_REGION: config.region,
      AWS_ACCESS_KEY_ID: config.accessKeyId,
      AWS_SECRET_ACCESS_KEY: config.secretAccessKey,
    },
    store,
    async drop() {
      await store.deletePrefix('')
      await client.send(new DeleteBucketCommand({ Bucket: bucket }))
      client.destroy()
    },
  }
}
