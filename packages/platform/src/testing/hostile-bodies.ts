import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'

export interface HostileBody {
  name: string
  headers: Record<string, string>
  body: Uint8Array<ArrayBuffer>
}

const bytesOf = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(text))
const plain = (name: string, text: string): HostileBody => ({
  name,
  headers: { 'content-type': 'application/json' },
  body: bytesOf(text),
})
const encoded = (name: string, encoding: string, body: Uint8Array): HostileBody => ({
  name,
  headers: { 'content-type': 'application/json', 'content-encoding': encoding },
  body: new Uint8Array(body),
})

/** Bodies that cost a careless server much more than their sender. `bytes` is the size of those that are not compressed. */
export function hostileBodies(bytes: number): HostileBody[] {
  const half = Math.floor(bytes / 2)
  const nested = '['.repeat(half) + ']'.repeat(half)
  const keys = Array.from({ length: Math.ceil(bytes / 12) }, (_, index) => `"key${index}":0`)
  const boundary = 'hostile'
  const parts = `--${boundary}\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n`
  const small = bytesOf('{"email":"a@b.test","password":"a password of someone"}')
  return [
    plain('nested arrays', nested),
    plain('nested objects', `${'{"a":'.repeat(Math.floor(bytes / 6))}0${'}'.repeat(Math.floor(bytes / 6))}`),
    plain('arrays that are never closed', '['.repeat(bytes)),
    plain('spaces', ' '.repeat(bytes)),
    plain('an array of zeros', `[${'0,'.repeat(half)}0]`),
    plain('an array of empty objects', `[${'{},'.repeat(Math.floor(bytes / 3))}{}]`),
    plain('an object of many keys', `{${keys.join(',')}}`),
    plain('one key many times', `{${'"a":0,'.repeat(Math.floor(bytes / 6))}"a":0}`),
    plain('a long string', `{"email":"${'x'.repeat(bytes)}"}`),
    plain('escaped quotes', `{"email":"${'\\"'.repeat(half)}"}`),
    plain('a long number', '1'.repeat(bytes)),
    encoded('nested arrays in gzip', 'gzip', gzipSync(nested.slice(0, 8_000_000))),
    encoded('zeros in gzip', 'gzip', gzipSync(`[${'0,'.repeat(4_000_000)}0]`)),
    encoded('spaces in zstd', 'zstd', zstdCompressSync(Buffer.alloc(64 * 1024 * 1024, ' '))),
    encoded('a second frame of zstd', 'zstd', Buffer.concat([zstdCompressSync(small), zstdCompressSync(nested)])),
    encoded('many frames of zstd', 'zstd', repeat(zstdCompressSync(Buffer.alloc(0)), 2000)),
    encoded('a large window of zstd', 'zstd', largeWindow()),
    encoded('many members of gzip', 'gzip', repeat(gzipSync(' '), 2000)),
    encoded('gzip and other bytes', 'gzip', Buffer.concat([gzipSync(small), Buffer.from('{"more":1}')])),
    encoded('zstd and other bytes', 'zstd', Buffer.concat([zstdCompressSync(small), Buffer.from('{"more":1}')])),
    encoded('gzip that ends early', 'gzip', gzipSync(small).subarray(0, -4)),
    encoded('brotli', 'br', brotliCompressSync(small)),
    encoded('deflate', 'deflate', deflateSync(small)),
    encoded('gzip in gzip', 'gzip, gzip', gzipSync(gzipSync(small))),
    {
      name: 'multipart',
      headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
      body: bytesOf(`${parts.repeat(Math.ceil(bytes / parts.length))}--${boundary}--\r\n`),
    },
    {
      name: 'a form of many fields',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: bytesOf('a=1&'.repeat(Math.ceil(bytes / 4))),
    },
  ]
}

function repeat(bytes: Uint8Array, count: number): Buffer {
  return Buffer.concat(Array.from({ length: count }, () => bytes))
}

/** A frame of one uncompressed block that asks its reader for a window of 128 MiB (RFC 8878, 3.1.1). */
function largeWindow(): Buffer {
  const text = Buffer.from('{"attempt":1,"events":[]}')
  const windowLog = 27
  const isLast = 1
  const header = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, (windowLog - 10) << 3, (text.length << 3) | isLast, 0, 0])
  return Buffer.concat([header, text])
}
