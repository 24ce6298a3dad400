import { DatasetError } from '@trainyard/contract/trainer-errors'

/** Explains the invalid JSON that exporters often write. */
export function explainJsonError(where: string, bytes: Uint8Array, cause: unknown): DatasetError {
  const text = Buffer.from(bytes.subarray(0, 1 << 20)).toString('utf8')
  // Without the content of strings, which must not match.
  const bare = text.replace(/"(?:[^"\\]|\\.)*"/gs, '""')
  const literal = /-?\b(?:NaN|Infinity|nan|inf)\b/.exec(bare)?.[0]
  const why =
    literal !== undefined
      ? `${literal} is not a JSON number (Python's json.dumps writes it unless allow_nan=False)`
      : /,\s*[\]}]/.test(bare)
        ? 'it has a trailing comma'
        : cause instanceof Error
          ? cause.message
          : String(cause)
  return new DatasetError(`${where} is not JSON: ${why}`, { cause })
}
