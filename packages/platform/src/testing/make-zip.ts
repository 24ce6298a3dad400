import { crc32, deflateRawSync } from 'node:zlib'

/** One entry of a zip for tests, which can have any wrong value. */
export interface ZipEntrySpec {
  path: string | Buffer
  body?: string | Uint8Array
  deflate?: boolean
  /** Unix mode with the file type: 0o120777 is a symbolic link. */
  mode?: number
  flags?: number
  method?: number
  /** The size and checksum in the headers. Default: the true ones. */
  sizeBytes?: number
  checksum?: number
}

/** Makes a zip file byte by byte, so that tests can make invalid ones. */
export function makeZip(entries: readonly ZipEntrySpec[]): Buffer<ArrayBuffer> {
  const locals: Buffer[] = []
  const central: Buffer[] = []
  let offset = 0
  for (const entry of entries) {
    const name = Buffer.from(entry.path)
    const body = Buffer.from(entry.body ?? '')
    const packed = entry.deflate ? deflateRawSync(body) : body
    const common = Buffer.alloc(26)
    common.writeUInt16LE(20, 0)
    common.writeUInt16LE(entry.flags ?? 0, 2)
    common.writeUInt16LE(entry.method ?? (entry.deflate ? 8 : 0), 4)
    common.writeUInt32LE(entry.checksum ?? crc32(body), 10)
    common.writeUInt32LE(packed.length, 14)
    common.writeUInt32LE(entry.sizeBytes ?? body.length, 18)
    common.writeUInt16LE(name.length, 22)
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, name, packed])
    const tail = Buffer.alloc(14)
    tail.writeUInt32LE(((entry.mode ?? 0o100644) << 16) >>> 0, 6)
    tail.writeUInt32LE(offset, 10)
    const versionMadeBy = Buffer.from([20, 3])
    central.push(Buffer.concat([Buffer.from('PK\x01\x02'), versionMadeBy, common, tail, name]))
    locals.push(local)
    offset += local.length
  }
  const list = Buffer.concat(central)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(entries.length, 8)
  end.writeUInt16LE(entries.length, 10)
  end.writeUInt32LE(list.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...locals, list, end])
}
