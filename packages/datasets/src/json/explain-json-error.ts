import { DatasetError } from '@trainyard/contract/trainer-errors'

/** What people's exporters write that is no JSON, in the words of who has to repair it. */
export function explainJsonError(where: string, bytes: Uint8Array, cause: unknown): DatasetError {
  const text = Buffer.from(bytes.subarray(0, 1 << 20)).toString('utf8')
  // Strings become empty ones: what they say is not looked at.
  const bare = text.replace(/"(?:[^"\\]|\\.)*"/gs, '""')
  const literal = /-?\b(?:NaN|Infinity|nan|inf)\b/.exec(bare)?.[0]
  const why =
    literal !== undefined
      ? `${literal} is no JSON number (Python's json.dumps writes it unless allow_nan=False)`
      : /,\s*[\]}]/.test(bare)
        ? 'it has a trailing comma'
        : cause instanceof Error
          ? cause.message
          : String(cause)
  return new DatasetError(`${where} is not JSON: ${why}`, { cause })
}
