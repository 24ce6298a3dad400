import { constants, createGunzip, createZstdDecompress, type Gunzip, type ZstdDecompress } from 'node:zlib'
import { TrainyardError } from '../errors.ts'
import { errorCode, errorMessage } from '../system/describe-error.ts'
import { ByteReader } from './byte-reader.ts'
import { checkRatio, type UnpackLimits } from './draft-folder.ts'

/** How a stream is packed. */
export type Packing = 'none' | 'gzip' | 'zstd'

export interface DecompressOptions extends Pick<UnpackLimits, 'maxRatio'> {
  /** How the stream must be packed. Default: decided by its first bytes. */
  packing?: Packing | undefined
}

/** Larger windows than any container engine accepts: 512 MiB. */
const ZSTD_WINDOW_LOG = 29
const PIECE_BYTES = 256 * 1024
/** More frames than a layer of 100 GB has when each holds 1 MiB. */
const MAX_PARTS = 200_000
/** A part of a stream that holds nothing costs a decoder all the same. */
const MAX_EMPTY_PARTS = 10_000

type Decoder = Gunzip | ZstdDecompress

const DECODERS: Readonly<Record<Exclude<Packing, 'none'>, () => Decoder>> = {
  gzip: () => createGunzip({ chunkSize: PIECE_BYTES }),
  zstd: () =>
    createZstdDecompress({ chunkSize: PIECE_BYTES, params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG } }),
}

/** How a stream with this beginning is packed. Compressions that container engines know and we do not are refused. */
export function packingOf(head: Uint8Array): Packing {
  const [a = 0, b = 0, c = 0, d = 0] = head
  if (a === 0x1f && b === 0x8b) return 'gzip'
  if (a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd) return 'zstd'
  if (isSkippable(head)) return 'zstd'
  if (a === 0x42 && b === 0x5a && c === 0x68) throw refused('is compressed with bzip2')
  if (a === 0xfd && b === 0x37 && c === 0x7a && d === 0x58) throw refused('is compressed with xz')
  return 'none'
}

/**
 * Decompresses a stream to its last byte: all members of gzip, and all frames of zstd, whose decoder in Node stops after the
 * first one without an error. Bytes that belong to no member or frame are refused. A decompression bomb is stopped while it
 * is small.
 *
 * @throws TrainyardError `unprocessable` when the stream is damaged, truncated, followed by other bytes, packed in another
 *   way than expected, or when its ratio is too high
 */
export async function* decompress(
  body: AsyncIterable<Uint8Array>,
  options: DecompressOptions = {},
): AsyncGenerator<Buffer> {
  const reader = new ByteReader(body)
  const head = await reader.peek(4)
  const { packing = packingOf(head) } = options
  if (packing === 'none') return yield* reader.remaining()
  const counts = { in: 0, out: 0 }
  let emptyParts = 0
  try {
    for (let part = 0; part === 0 || (await reader.peek(1)).length > 0; part++) {
      if (part >= MAX_PARTS || emptyParts > MAX_EMPTY_PARTS) throw refused(`has too many parts of ${packing}`)
      const start = await reader.peek(4)
      if (!startsPart(start, packing)) {
        const where = part === 0 ? `is not ${packing}` : `has other bytes after the end of ${packing}`
        throw refused(where)
      }
      const before = counts.out
      if (isSkippable(start)) await skipFrame(reader, counts)
      else yield* decodePart(reader, packing, counts, options)
      if (counts.out === before) emptyParts++
    }
  } finally {
    await reader.close().catch(() => undefined)
  }
}

interface Counts {
  in: number
  out: number
}

/** Decodes one frame of zstd; of gzip, all members that follow each other. What comes after them stays in the reader. */
async function* decodePart(
  reader: ByteReader,
  packing: Exclude<Packing, 'none'>,
  counts: Counts,
  limits: DecompressOptions,
): AsyncGenerator<Buffer> {
  const decoder = DECODERS[packing]()
  const feeding = feed(reader, decoder, counts)
  // An error of the source reaches the reader of the decoder, which is below.
  feeding.catch((error: unknown) => decoder.destroy(error instanceof Error ? error : new Error(String(error))))
  try {
    for await (const chunk of decoder as AsyncIterable<Buffer>) {
      counts.out += chunk.length
      checkRatio(counts.out, counts.in, limits)
      yield chunk
    }
    await feeding
  } catch (error) {
    if (!isDecodingError(error)) throw error
    throw refused(`is not valid ${packing}: ${errorMessage(error)}`, error)
  } finally {
    decoder.destroy()
  }
}

/** Writes one piece after the other, so that what follows the part lies in the last one. */
async function feed(reader: ByteReader, decoder: Decoder, counts: Counts): Promise<void> {
  const closed = new Promise<'closed'>((resolve) => decoder.once('close', () => resolve('closed')))
  for (;;) {
    const piece = await reader.some(PIECE_BYTES)
    if (piece === undefined) {
      decoder.end()
      return
    }
    const before = decoder.bytesWritten
    counts.in += piece.length
    const written = new Promise<'written'>((resolve) => decoder.write(piece, () => resolve('written')))
    // After an error the decoder never calls back.
    const outcome = await Promise.race([written, closed])
    const consumed = decoder.bytesWritten - before
    if (consumed < piece.length) {
      counts.in -= piece.length - consumed
      reader.unread(piece.subarray(consumed))
      return
    }
    if (outcome === 'closed') return
  }
}

function startsPart(head: Uint8Array, packing: Packing): boolean {
  const [a = 0, b = 0, c = 0, d = 0] = head
  if (packing === 'gzip') return a === 0x1f && b === 0x8b
  return isSkippable(head) || (a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd)
}

/** Frames for metadata, which decoders skip. zstd:chunked writes its list of files into them. */
function isSkippable(head: Uint8Array): boolean {
  const [a = 0, b = 0, c = 0, d = 0] = head
  return (a & 0xf0) === 0x50 && b === 0x2a && c === 0x4d && d === 0x18
}

async function skipFrame(reader: ByteReader, counts: Counts): Promise<void> {
  const header = await reader.exactly(8)
  if (header === undefined) throw refused('is truncated')
  const sizeBytes = header.readUInt32LE(4)
  counts.in += 8 + sizeBytes
  for (let missing = sizeBytes; missing > 0; ) {
    const piece = await reader.some(missing)
    if (piece === undefined) throw refused('is truncated')
    missing -= piece.length
  }
}

function isDecodingError(error: unknown): boolean {
  const code = errorCode(error)
  return code !== undefined && /^(Z_|ZSTD_|ERR_ZLIB|ERR_ZSTD)/i.test(code)
}

function refused(problem: string, cause?: unknown): TrainyardError {
  return new TrainyardError('unprocessable', `The archive ${problem}`, { cause })
}
