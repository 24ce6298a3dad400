import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { TrainyardError } from '../errors.ts'
import { ByteReader } from './byte-reader.ts'
import type { UnpackedFile, UnpackLimits } from './draft-folder.ts'
import { unpackTar } from './unpack-tar.ts'
import { unpackZip } from './unpack-zip.ts'

/**
 * Unpacks a tar, tar.gz or zip, recognised by its first bytes, into a new folder. A zip is first written to a file beside
 * the folder, because its list of entries is at its end.
 *
 * @param targetDir must not exist, or be empty
 * @throws TrainyardError `unprocessable`, naming the entry and what is wrong with it
 */
export async function unpackArchive(
  body: AsyncIterable<Uint8Array>,
  targetDir: string,
  limits: UnpackLimits = {},
): Promise<{ files: UnpackedFile[] }> {
  const reader = new ByteReader(body)
  const head = await reader.peek(4)
  const isZip = head[0] === 0x50 && head[1] === 0x4b && (head[2] ?? 0) <= 8
  const archive = limited(reader, limits.maxTotalBytes, isZip ? limits.reserve : undefined)
  if (!isZip) return await unpackTar(archive, targetDir, limits)
  const zipFile = `${targetDir}.zip`
  try {
    await pipeline(archive, createWriteStream(zipFile, { flags: 'wx' }))
    return await unpackZip(zipFile, targetDir, limits)
  } finally {
    await rm(zipFile, { force: true })
  }
}

/** A zip is on the disk before its first file is. */
async function* limited(
  reader: ByteReader,
  maxBytes = Number.POSITIVE_INFINITY,
  reserve?: UnpackLimits['reserve'],
): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for await (const piece of reader.remaining()) {
    bytes += piece.length
    if (bytes > maxBytes) throw new TrainyardError('unprocessable', `The archive is larger than ${maxBytes} bytes`)
    await reserve?.({ files: 0, bytes })
    yield piece
  }
}
