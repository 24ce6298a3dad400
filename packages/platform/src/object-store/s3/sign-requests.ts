import { GetObjectCommand, PutObjectCommand, type S3Client, UploadPartCommand } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import type { SignedRequest } from '@trainyard/contract'
import {
  DEFAULT_CONTENT_TYPE,
  DEFAULT_EXPIRY_SECONDS,
  type SignGetOptions,
  type SignPartOptions,
  type SignPutOptions,
} from '../object-store.ts'

interface Target {
  Bucket: string
  Key: string
}

export async function signGet(signer: S3Client, target: Target, options: SignGetOptions): Promise<SignedRequest> {
  const { expiresInSeconds = DEFAULT_EXPIRY_SECONDS, fileName, contentType } = options
  const command = new GetObjectCommand({
    ...target,
    ResponseContentType: contentType,
    ResponseContentDisposition: fileName === undefined ? undefined : attachment(fileName),
  })
  const url = await getSignedUrl(signer, command, { expiresIn: expiresInSeconds })
  return signedRequest('GET', url, {}, expiresInSeconds)
}

export async function signPut(signer: S3Client, target: Target, options: SignPutOptions): Promise<SignedRequest> {
  const { sizeBytes, sha256, contentType = DEFAULT_CONTENT_TYPE, expiresInSeconds = DEFAULT_EXPIRY_SECONDS } = options
  const checksum = sha256 === undefined ? undefined : Buffer.from(sha256, 'hex').toString('base64')
  const headers: Record<string, string> = {
    // Signed, so that clients must send it, also when they stream.
    'content-length': String(sizeBytes),
    // Also signed. Without it, the SDK would sign a default type.
    'content-type': contentType,
  }
  if (checksum !== undefined) headers['x-amz-checksum-sha256'] = checksum
  const command = new PutObjectCommand({
    ...target,
    ContentLength: sizeBytes,
    ContentType: contentType,
    ChecksumSHA256: checksum,
  })
  const url = await getSignedUrl(signer, command, {
    expiresIn: expiresInSeconds,
    // The store verifies the digest only as a signed header, not as a query parameter.
    unhoistableHeaders: new Set(['x-amz-checksum-sha256']),
    signableHeaders: new Set(['host', 'content-length', 'content-type', 'x-amz-checksum-sha256']),
  })
  return signedRequest('PUT', url, headers, expiresInSeconds)
}

export async function signPart(
  signer: S3Client,
  target: Target & { UploadId: string },
  options: SignPartOptions,
): Promise<SignedRequest> {
  const { partNumber, sizeBytes, expiresInSeconds = DEFAULT_EXPIRY_SECONDS } = options
  const command = new UploadPartCommand({ ...target, PartNumber: partNumber, ContentLength: sizeBytes })
  const url = await getSignedUrl(signer, command, {
    expiresIn: expiresInSeconds,
    signableHeaders: new Set(['host', 'content-length']),
  })
  return signedRequest('PUT', url, { 'content-length': String(sizeBytes) }, expiresInSeconds)
}

function signedRequest(
  method: 'GET' | 'PUT',
  url: string,
  headers: Record<string, string>,
  expiresInSeconds: number,
): SignedRequest {
  return { method, url, headers, expiresAt: new Date(Date.now() + expiresInSeconds * 1000).toISOString() }
}

function attachment(fileName: string): string {
  return `attachment; filename*=UTF-8''${encodeURIComponent(fileName.toWellFormed())}`
}
