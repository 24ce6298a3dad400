import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { TrainyardError } from '../errors.ts'
import { ByteReader } from './byte-reader.ts'
import { type UnpackedFile, type UnpackTarOptions, unpackTar } from './unpack-tar.ts'
import { unpackZip } from './unpack-zip.ts'

/**
 * Unpacks a tar, a tar.gz or a zip, told by its first bytes, into a new folder. A zip is written beside the folder while it
 * is read, because its list of entries comes last.
 *
 * @param targetDir must not exist, or be empty
 * @throws TrainyardError `unprocessable`, naming the entry and what is wrong with it
 */
export async function unpackArchive(
  body: AsyncIterable<Uint8Array>,
  targetDir: string,
  options: Omit<UnpackTarOptions, 'gzip'> = {},
): Promise<{ files: UnpackedFile[] }> {
  const source = new ByteReader(body)
  const head = await firstFour(source)
  const whole = rest(head, source, options.maxTotalBytes)
  if (head[0] !== 0x50 || head[1] !== 0x4b || (head[2] ?? 0) > 8) return await unpackTar(whole, targetDir, options)
  const zipFile = `${targetDir}.zip`
  try {
    await pipeline(Readable.from(whole), createWriteStream(zipFile, { flags: 'wx' }))
    return await unpackZip(zipFile, targetDir, options)
  } finally {
    await rm(zipFile, { force: true })
  }
}

async function* rest(
  head: Buffer,
  source: ByteReader,
  maxBytes = Number.POSITIVE_INFINITY,
): AsyncGenerator<Uint8Array> {
  let bytes = head.length
  try {
    if (head.length > 0) yield head
    for (;;) {
      const piece = await source.some(256 * 1024)
      if (piece === undefined) return
      bytes += piece.length
      if (bytes > maxBytes) throw new TrainyardError('unprocessable', `The archive is larger than ${maxBytes} bytes`)
      yield piece
    }
  } finally {
    await source.close()
  }
}

async function firstFour(source: ByteReader): Promise<Buffer> {
  const pieces: Buffer[] = []
  for (let missing = 4; missing > 0; ) {
    const piece = await source.some(missing)
    if (piece === undefined) break
    pieces.push(piece)
    missing -= piece.length
  }
  return Buffer.concat(pieces)
}
