import { constants, createGunzip, createZstdDecompress } from 'node:zlib'
import { invalidRequest } from '../errors.ts'
import { errorCode } from '../system/describe-error.ts'

/** More than senders use, which compress a body at once. Each member or frame needs a decoder. */
const MAX_PARTS = 16
/** A decoder of zstd reserves its window, which the sender chooses. 8 MiB is what RFC 8878 recommends to support. */
const ZSTD_WINDOW_LOG = 23
const CHUNK_BYTES = 64 * 1024

const DECODERS = {
  gzip: () => createGunzip({ chunkSize: CHUNK_BYTES }),
  zstd: () =>
    createZstdDecompress({ chunkSize: CHUNK_BYTES, params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG } }),
}

export type Encoding = keyof typeof DECODERS

/**
 * The encoding that `Content-Encoding` names; undefined for a body that is not compressed.
 *
 * @throws TrainyardError `invalid_request` for every other encoding, and for several
 */
export function encodingOf(headers: Headers): Encoding | undefined {
  const value = headers.get('content-encoding') ?? ''
  switch (value.trim().toLowerCase()) {
    case '':
    case 'identity':
      return undefined
    case 'gzip':
    case 'x-gzip':
      return 'gzip'
    case 'zstd':
      return 'zstd'
  }
  const detail = 'must be "gzip", "zstd" or absent'
  throw invalidRequest([{ path: 'header.content-encoding', detail, value: value.slice(0, 50) }])
}

/**
 * Decompresses a body to its last byte, in chunks: all members of gzip, and all frames of zstd, whose decoder in Node stops
 * after the first one. The reader stops when it has enough; nothing is decompressed ahead of it.
 *
 * @throws TrainyardError `invalid_request` when the bytes are damaged, incomplete, or followed by others
 */
export async function* inflateBody(raw: Uint8Array, encoding: Encoding): AsyncGenerator<Uint8Array> {
  let offset = 0
  for (let part = 0; offset < raw.byteLength || part === 0; part++) {
    if (part === MAX_PARTS)
      throw invalidRequest([{ path: '', detail: `must have at most ${MAX_PARTS} frames of ${encoding}` }])
    const decoder = DECODERS[encoding]()
    decoder.end(raw.subarray(offset))
    try {
      yield* decoder as AsyncIterable<Uint8Array>
    } catch (error) {
      if (errorCode(error) === undefined) throw error
      throw damaged(encoding)
    }
    if (decoder.bytesWritten === 0) throw damaged(encoding)
    offset += decoder.bytesWritten
  }
}

function damaged(encoding: Encoding): Error {
  const detail = `must be encoded with ${encoding}, the value of Content-Encoding, without damage and without other bytes after it`
  return invalidRequest([{ path: '', detail }])
}
