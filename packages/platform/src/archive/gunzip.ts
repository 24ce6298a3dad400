import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { TrainyardError } from '../errors.ts'
import { errorCode, errorMessage } from '../system/describe-error.ts'
import { ByteReader } from './byte-reader.ts'
import { checkRatio, type UnpackLimits } from './draft-folder.ts'

/**
 * Decompresses a stream when it is gzip, and stops a decompression bomb while it is small.
 *
 * @param gzip `'auto'` decides by the first bytes
 * @throws TrainyardError `unprocessable` when the stream is not valid gzip or its ratio is too high
 */
export async function* gunzip(
  body: AsyncIterable<Uint8Array>,
  gzip: 'auto' | boolean,
  limits: UnpackLimits,
): AsyncGenerator<Uint8Array> {
  const reader = new ByteReader(body)
  const head = await reader.peek(2)
  const isGzip = gzip === 'auto' ? head[0] === 0x1f && head[1] === 0x8b : gzip
  if (isGzip) yield* decompress(reader, limits)
  else yield* reader.remaining()
}

async function* decompress(reader: ByteReader, limits: UnpackLimits): AsyncGenerator<Uint8Array> {
  let bytesIn = 0
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const piece of reader.remaining()) {
      bytesIn += piece.length
      yield piece
    }
  }
  const decoder = createGunzip()
  const input = Readable.from(counted())
  // Errors of the source are thrown by the decoder, which is read below.
  input.on('error', (error) => decoder.destroy(error))
  input.pipe(decoder)
  let bytesOut = 0
  try {
    for await (const chunk of decoder as AsyncIterable<Buffer>) {
      bytesOut += chunk.length
      checkRatio(bytesOut, bytesIn, limits)
      yield chunk
    }
  } catch (error) {
    if (errorCode(error)?.startsWith('Z_') !== true) throw error
    throw new TrainyardError('unprocessable', `The archive is not valid gzip: ${errorMessage(error)}`, { cause: error })
  } finally {
    input.destroy()
    decoder.destroy()
  }
}
