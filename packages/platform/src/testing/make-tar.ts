import { gzipSync } from 'node:zlib'

/** One entry of an archive for tests, which can have any wrong value. */
export interface TarEntrySpec {
  path: string | Buffer
  body?: string | Uint8Array
  /** The type field: `0` file, `5` folder, `2` symbolic link … Default: `0`. */
  type?: string
  linkName?: string
  mode?: number
  /** The size in the header. Default: the true one. */
  sizeBytes?: number
}

/** Makes a tar archive byte by byte, so that tests can make invalid ones. */
export function makeTar(entries: readonly TarEntrySpec[], { gzip = false }: { gzip?: boolean } = {}): Buffer {
  const blocks = entries.flatMap((entry) => {
    const body = Buffer.from(entry.body ?? '')
    return [header(entry, body.length), body, Buffer.alloc((512 - (body.length % 512)) % 512)]
  })
  const archive = Buffer.concat([...blocks, Buffer.alloc(1024)])
  return gzip ? gzipSync(archive) : archive
}

function header(entry: TarEntrySpec, bodyBytes: number): Buffer {
  const { path, type = '0', linkName = '', mode = 0o644, sizeBytes = bodyBytes } = entry
  const block = Buffer.alloc(512)
  Buffer.from(path).copy(block, 0, 0, 100)
  block.write(octal(mode, 7), 100)
  block.write(octal(0, 7), 108)
  block.write(octal(0, 7), 116)
  writeSize(block, sizeBytes)
  block.write(octal(0, 11), 136)
  block.write('        ', 148)
  block.write(type, 156)
  block.write(linkName, 157)
  block.write('ustar\x0000', 257)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${octal(sum, 6)}\0 `, 148)
  return block
}

/** In octal, or above 8 GiB in base 256 as GNU tar does. */
function writeSize(block: Buffer, sizeBytes: number): void {
  if (sizeBytes < 8 ** 11) {
    block.write(octal(sizeBytes, 11), 124)
    return
  }
  block.writeUInt8(0x80, 124)
  block.writeBigUInt64BE(BigInt(sizeBytes), 128)
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0')
}
