import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'

export interface S3StoreOptions {
  /** Default: Amazon's endpoint of the region. */
  endpoint?: string | undefined
  region: string
  /** Must exist. */
  bucket: string
  accessKeyId: string
  secretAccessKey: string
  /** The endpoint as trainers and browsers reach it. Signed URLs lead there. Default: `endpoint`. */
  publicEndpoint?: string | undefined
  /** `endpoint/bucket/key` rather than `bucket.endpoint/key`. Default: true. */
  forcePathStyle?: boolean | undefined
  /** How long a URL to read an object works if the caller of `signGet` does not say. Default: an hour. */
  urlSeconds?: number | undefined
}

export function createS3Client(options: S3StoreOptions, endpoint: string | undefined): S3Client {
  const config: S3ClientConfig = {
    region: options.region,
    credentials: { accessKeyId: options.accessKeyId, secretAccessKey: options.secretAccessKey },
    forcePathStyle: options.forcePathStyle ?? true,
    // An unreachable store is reported soon. There is no limit on the duration of a transfer.
    requestHandler: { connectionTimeout: 5000 },
    // The default adds a checksum to presigned PUTs, which a plain HTTP client does not send.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  }
  if (endpoint !== undefined) config.endpoint = endpoint
  return new S3Client(config)
}
