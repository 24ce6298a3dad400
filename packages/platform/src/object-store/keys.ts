import { isSafeRelativePath } from '@trainyard/contract'
import { TrainyardError } from '../errors.ts'

const MAX_KEY_BYTES = 1024

/** @throws TrainyardError `invalid_request` for a key that is not a safe relative path */
export function checkKey(key: string): void {
  if (!isSafeRelativePath(key) || !key.isWellFormed() || Buffer.byteLength(key) > MAX_KEY_BYTES) {
    throw invalid('key', 'must be a relative path of at most 1,024 bytes, without empty, "." or ".." parts', key)
  }
}

/** @throws TrainyardError `invalid_request` for a prefix with which no key can begin. The empty prefix matches every key. */
export function checkPrefix(prefix: string): void {
  if (prefix === '') return
  const parts = prefix.endsWith('/') ? `${prefix}x` : prefix
  // The last part can continue: "a/." is a prefix of "a/.hidden".
  checkKey(parts.replace(/(^|\/)(\.{1,2})$/, '$1$2x'))
}

export function checkPartNumber(partNumber: number): void {
  if (!Number.isInteger(partNumber) || partNumber < 1 || partNumber > 10_000) {
    throw invalid('partNumber', 'must be an integer from 1 to 10,000', partNumber)
  }
}

function invalid(path: string, detail: string, value: string | number): TrainyardError {
  const shown = JSON.stringify(typeof value === 'string' ? value.slice(0, 200) : value)
  return new TrainyardError('invalid_request', `${path} ${detail}; it is ${shown}`, {
    issues: [{ path, detail, value: typeof value === 'string' ? value.slice(0, 200) : value }],
  })
}
