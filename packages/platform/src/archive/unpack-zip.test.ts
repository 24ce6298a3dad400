import { execFileSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeTar } from '../testing/make-tar.ts'
import { makeZip, type ZipEntrySpec } from '../testing/make-zip.ts'
import { unpackArchive } from './unpack-archive.ts'

const PACK = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_DEFLATED) as archive:
    archive.writestr('größe.txt', 'x' * 100_000)
    archive.writestr('folder/', '')
    archive.writestr('a/b/empty', '')
`

describe('unpackArchive of a zip', () => {
  let root: string
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'trainyard-zip-'))
  })
  afterEach(() => rm(root, { recursive: true, force: true }))

  async function* chunked(archive: Buffer, size = 701): AsyncGenerator<Uint8Array> {
    for (let offset = 0; offset < archive.length; offset += size)
      yield await Promise.resolve(archive.subarray(offset, offset + size))
  }
  const unpack = (archive: Buffer, options = {}, size = 701) =>
    unpackArchive(chunked(archive, size), join(root, 'target'), options)

  it('unpacks stored and deflated files and folders, received byte by byte', async () => {
    const archive = makeZip([
      { path: 'folder/' },
      { path: 'folder/a.txt', body: 'stored' },
      { path: './b.txt', body: 'deflated '.repeat(1000), deflate: true },
      { path: 'größe.txt', body: '' },
    ])
    const { files } = await unpack(archive, {}, 1)
    expect(files).toEqual([
      { path: 'folder/a.txt', sizeBytes: 6 },
      { path: 'b.txt', sizeBytes: 9000 },
      { path: 'größe.txt', sizeBytes: 0 },
    ])
    expect(await readFile(join(root, 'target/b.txt'), 'utf8')).toBe('deflated '.repeat(1000))
    expect(await readdir(root)).toEqual(['target'])
  })

  it('unpacks an archive of Python’s zipfile', async () => {
    execFileSync('python3', ['-c', PACK, join(root, 'made.zip')])
    const { files } = await unpack(await readFile(join(root, 'made.zip')))
    expect(files.map(({ path }) => path)).toEqual(['größe.txt', 'a/b/empty'])
    expect(await readFile(join(root, 'target/größe.txt'), 'utf8')).toBe('x'.repeat(100_000))
  })

  it('unpacks a tar as well', async () => {
    const { files } = await unpack(makeTar([{ path: 'a', body: 'b' }], { gzip: true }))
    expect(files).toEqual([{ path: 'a', sizeBytes: 1 }])
  })

  it.each<[string, ZipEntrySpec[], RegExp]>([
    ['nothing', [], /archive is empty/],
    ['an absolute path', [{ path: '/etc/passwd' }], /"\/etc\/passwd" has an absolute path/],
    ['a path with ..', [{ path: 'a/../../b' }], /"a\/..\/..\/b" leads out/],
    ['a backslash', [{ path: 'a\\b' }], /backslash/],
    ['a symbolic link', [{ path: 'l', body: '/etc', mode: 0o120777 }], /"l" is a symbolic link/],
    ['a device', [{ path: 'd', mode: 0o020666 }], /"d" is a character device/],
    ['an encrypted file', [{ path: 's', body: 'x', deflate: true, flags: 1 }], /"s" is encrypted/],
    ['another method', [{ path: 's', body: 'x', method: 14 }], /"s" is compressed by method 14/],
    ['a name in an old code page', [{ path: Buffer.from([0x67, 0x72, 0x94, 0xe1]) }], /name that is not UTF-8/],
    ['the same file twice', [{ path: 'a' }, { path: './a' }], /"a" is in the archive twice/],
    ['names that differ in case', [{ path: 'a/B' }, { path: 'A/c' }], /differs from "a" only in letter case/],
    ['a file that is a folder', [{ path: 'a' }, { path: 'a/b' }], /in the archive twice/],
    ['a wrong checksum', [{ path: 'a', body: 'abc', checksum: 1 }], /"a" is damaged/],
    ['a wrong size', [{ path: 'a', body: 'x'.repeat(5000), deflate: true, sizeBytes: 3 }], /"a" cannot be/],
    ['an absurd size', [{ path: 'a', body: 'x', deflate: true, sizeBytes: 4_000_000_000 }], /200 times its size/],
    ['a bomb', [{ path: 'a', body: Buffer.alloc(30_000_000), deflate: true }], /200 times its size/],
  ])('refuses %s and leaves nothing', async (_what, entries, message) => {
    await expect(unpack(makeZip(entries))).rejects.toThrow(message)
    expect(await readdir(root)).toEqual([])
  })

  it('refuses an archive that is truncated, damaged or too large', async () => {
    const whole = makeZip([
      { path: 'a', body: 'a'.repeat(2000), deflate: true },
      { path: 'b', body: 'b' },
    ])
    await expect(unpack(whole.subarray(0, -30))).rejects.toMatchObject({ code: 'unprocessable' })
    const damaged = Buffer.from(whole)
    damaged.fill(0xff, 31, 40)
    await expect(unpack(damaged)).rejects.toMatchObject({ code: 'unprocessable' })
    await expect(unpack(whole, { maxFiles: 1 })).rejects.toThrow('one more than the 1 entries')
    await expect(unpack(whole, { maxTotalBytes: 1000 })).rejects.toThrow('brings the archive over 1000 bytes')
    await expect(unpack(whole, { maxTotalBytes: 20 })).rejects.toThrow('larger than 20 bytes')
    expect(await readdir(root)).toEqual([])
  })
})
