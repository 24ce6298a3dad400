import { TrainyardError } from '../../errors.ts'

const INVALID_REQUESTS = ['InvalidPart', 'InvalidPartOrder', 'EntityTooSmall', 'InvalidRange', 'BadDigest']

/** Runs calls of the service about one object or upload, and throws the service's errors as `TrainyardError`. */
export async function translateErrors<T>(kind: string, name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw toTrainyardError(error, kind, name)
  }
}

/** `not_found`, `invalid_request`, or for all other errors `storage_unavailable`, which can be retried. */
export function toTrainyardError(error: unknown, kind: string, name: string): TrainyardError {
  if (error instanceof TrainyardError) return error
  const code = error instanceof Error ? error.name : ''
  const status = statusOf(error)
  const subject = `${kind} "${name.slice(0, 200)}"`
  if (['NoSuchKey', 'NotFound', 'NoSuchUpload'].includes(code) || (status === 404 && code !== 'NoSuchBucket')) {
    return new TrainyardError('not_found', `The object store has no ${subject}`, { cause: error })
  }
  if (INVALID_REQUESTS.includes(code) || status === 416) {
    const reason = error instanceof Error ? error.message : code
    return new TrainyardError('invalid_request', `The object store refuses ${subject}: ${reason}`, { cause: error })
  }
  return new TrainyardError('storage_unavailable', `The object store cannot serve ${subject} now`, {
    cause: error,
    retryAfterSeconds: 5,
  })
}

function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('$metadata' in error)) return undefined
  const metadata = error.$metadata
  return typeof metadata === 'object' && metadata !== null && 'httpStatusCode' in metadata
    ? Number(metadata.httpStatusCode)
    : undefined
}
