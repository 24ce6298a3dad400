import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { makeTar, type TarEntrySpec } from '../testing/make-tar.ts'
import { unpackTar } from './unpack-tar.ts'

describe('unpackTar', () => {
  let root: string
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'trainyard-tar-'))
  })
  afterEach(async () => {
    await rm(root, { recursive: true, force: true })
  })
  const target = () => join(root, 'target')

  async function* chunked(archive: Buffer, size = 700): AsyncGenerator<Uint8Array> {
    for (let offset = 0; offset < archive.length; offset += size)
      yield await Promise.resolve(archive.subarray(offset, offset + size))
  }

  it('unpacks archives of the system’s tar, with long names, empty files and execute bits, with and without gzip', async () => {
    const source = join(root, 'source')
    const long = `${'long-folder-name/'.repeat(9)}${'n'.repeat(120)}.txt`
    await mkdir(join(source, long, '..'), { recursive: true })
    await writeFile(join(source, long), 'long')
    await writeFile(join(source, 'empty'), '')
    await writeFile(join(source, 'größe.txt'), 'x'.repeat(100_000))
    await writeFile(join(source, 'run.sh'), '#!/bin/sh', { mode: 0o755 })
    for (const format of ['gnu', 'pax']) {
      for (const gzip of ['', 'z']) {
        const dir = join(root, `out-${format}${gzip}`)
        const archive = execFileSync('tar', [`-c${gzip}f`, '-', `--format=${format}`, '-C', source, '.'])
        const { files } = await unpackTar(chunked(archive), dir)
        expect(files.map(({ path }) => path).sort()).toEqual(['empty', 'größe.txt', long, 'run.sh'].sort())
        expect(await readFile(join(dir, long), 'utf8')).toBe('long')
        expect(await readFile(join(dir, 'größe.txt'), 'utf8')).toBe('x'.repeat(100_000))
        expect((await stat(join(dir, 'run.sh'))).mode & 0o777).toBe(0o755)
        expect((await stat(join(dir, 'empty'))).mode & 0o777).toBe(0o644)
      }
    }
  })

  it.each<[string, TarEntrySpec[], RegExp]>([
    ['an absolute path', [{ path: '/etc/passwd' }], /"\/etc\/passwd" has an absolute path/],
    ['a path with ..', [{ path: 'a/../../b' }], /"a\/..\/..\/b" leads out/],
    ['a symbolic link', [{ path: 'l', type: '2', linkName: '/etc' }], /"l" is a symbolic link/],
    ['a hard link', [{ path: 'l', type: '1', linkName: 'x' }], /"l" is a hard link/],
    ['a device', [{ path: 'd', type: '3' }], /"d" is a character device/],
    ['a pipe', [{ path: 'p', type: '6' }], /"p" is a named pipe/],
    ['an unknown type', [{ path: 'p', type: 'Q' }], /"p" has the unknown type "Q"/],
    ['the same file twice', [{ path: 'a' }, { path: './a' }], /"a" is in the archive twice/],
    ['names that differ in case', [{ path: 'a/B' }, { path: 'A/c' }], /"A\/c" differs from "a" only in letter case/],
    [
      'names that differ in the writing of accents',
      [{ path: 'é' }, { path: 'e\u0301' }],
      /only in letter case or accents/,
    ],
    ['a file below a file', [{ path: 'a' }, { path: 'a/b' }], /"a\/b" is in the archive twice/],
    ['a control character', [{ path: 'a\nb' }], /"a\\nb" has a path with/],
    ['a backslash', [{ path: 'a\\..\\b' }], /has a path with/],
    ['a drive letter', [{ path: 'C:/x' }], /has a path with/],
    ['a name that is not UTF-8', [{ path: Buffer.from([0x61, 0xff]) }], /is not UTF-8/],
    ['a folder with bytes', [{ path: 'd/', type: '5', body: 'x' }], /"d\/" is a folder with bytes/],
    ['a sparse file', [{ path: 's', type: 'S', body: 'x' }], /"s" is a sparse file/],
    [
      'a sparse file in PAX format',
      [
        { path: 'x', type: 'x', body: '22 GNU.sparse.major=1\n' },
        { path: 's', body: 'x' },
      ],
      /"s" is a sparse file/,
    ],
    [
      'a PAX size that is not a number',
      [
        { path: 'x', type: 'x', body: '12 size=1e3\n' },
        { path: 's', body: 'x'.repeat(1000) },
      ],
      /"s" has an invalid size/,
    ],
    ['a size above 2^53', [{ path: 's', sizeBytes: 2 ** 60 }], /above 2\^53/],
    ['a PAX record of another length', [{ path: 'x', type: 'x', body: '999 path=a\n' }, { path: 'ok' }], /invalid PAX/],
    [
      'a PAX path that is not UTF-8',
      [{ path: 'x', type: 'x', body: Buffer.from('10 path=\xff\n', 'latin1') }, { path: 'ok' }],
      /PAX record .* is not UTF-8/,
    ],
    ['a PAX path that leads out', [{ path: 'x', type: 'x', body: '16 path=../../a\n' }, { path: 'ok' }], /leads out/],
    ['a long GNU name that leads out', [{ path: 'x', type: 'L', body: '../a\0' }, { path: 'ok' }], /leads out/],
  ])('refuses %s, naming it, and leaves nothing', async (_, entries, message) => {
    const archive = makeTar([{ path: 'fine.txt', body: 'fine' }, ...entries])
    await expect(unpackTar(chunked(archive), target())).rejects.toMatchObject({
      code: 'unprocessable',
      message: expect.stringMatching(message),
    })
    expect(await readdir(root)).toEqual([])
  })

  it('refuses too many entries and too many bytes before it writes them', async () => {
    const many = makeTar(Array.from({ length: 6 }, (_, index) => ({ path: `f${index}`, body: 'x' })))
    await expect(unpackTar(chunked(many), target(), { maxFiles: 5 })).rejects.toThrow(/"f5" is one more than the 5/)
    const large = makeTar([{ path: 'large', sizeBytes: 1_000_001 }])
    await expect(unpackTar(chunked(large), target(), { maxTotalBytes: 1_000_000 })).rejects.toThrow(/"large" brings/)
    const huge = makeTar([{ path: 'huge', sizeBytes: 2 ** 40 }])
    await expect(unpackTar(chunked(huge), target())).rejects.toThrow(/"huge" brings/)
    expect(await readdir(root)).toEqual([])
  })

  it('stops a decompression bomb by its ratio', async () => {
    const bomb = makeTar([{ path: 'zeros', body: Buffer.alloc(40 * 1024 * 1024) }], { gzip: true })
    expect(bomb.length).toBeLessThan(100_000)
    await expect(unpackTar(chunked(bomb), target())).rejects.toThrow(/more than 200 times its size/)
    expect(await readdir(root)).toEqual([])
  })

  it.each<[string, Buffer]>([
    ['is empty', Buffer.alloc(0)],
    ['is not a tar', Buffer.from('PK\x03\x04 this is a zip file, is it not?'.repeat(40))],
    ['is truncated in a file', makeTar([{ path: 'a', body: 'x'.repeat(5000) }]).subarray(0, 2000)],
    ['is truncated in a header', makeTar([{ path: 'a' }]).subarray(0, 300)],
    [
      'is broken gzip',
      Buffer.concat([gzipSync(makeTar([{ path: 'a', body: 'abc' }])).subarray(0, 60), Buffer.alloc(50)]),
    ],
    ['is truncated gzip', gzipSync(makeTar([{ path: 'a', body: 'x'.repeat(5000) }])).subarray(0, 80)],
  ])('refuses an archive that %s, and leaves nothing', async (_, archive) => {
    await expect(unpackTar(chunked(archive), target())).rejects.toMatchObject({ code: 'unprocessable' })
    expect(await readdir(root)).toEqual([])
  })

  it.each([
    [0, false],
    [2000, false],
    [2000, true],
  ])('leaves nothing when the sender fails after %i bytes (gzip: %s)', async (bytes, gzip) => {
    const archive = makeTar([{ path: 'a', body: randomBytes(5000) }], { gzip })
    const broken = (async function* () {
      if (bytes > 0) yield archive.subarray(0, bytes)
      await Promise.resolve()
      throw new Error('gone')
    })()
    await expect(unpackTar(broken, target())).rejects.toThrow('gone')
    expect(await readdir(root)).toEqual([])
  })

  it.each([false, true])('closes the sender when it refuses the archive (gzip: %s)', async (gzip) => {
    let released = false
    const archive = makeTar([{ path: '../a', body: randomBytes(500_000) }], { gzip })
    const sender = (async function* () {
      try {
        yield* chunked(archive)
      } finally {
        released = true
      }
    })()
    await expect(unpackTar(sender, target())).rejects.toThrow(/leads out/)
    await vi.waitFor(() => expect(released).toBe(true))
  })

  it('replaces an empty folder, but no other folder and no link', async () => {
    const archive = makeTar([{ path: 'a', body: 'new' }])
    await mkdir(target())
    await unpackTar(chunked(archive), target())
    await expect(unpackTar(chunked(archive), target())).rejects.toMatchObject({ code: 'conflict' })
    expect(await readFile(join(target(), 'a'), 'utf8')).toBe('new')
    await symlink(root, join(root, 'link'))
    await expect(unpackTar(chunked(archive), join(root, 'link'))).rejects.toMatchObject({ code: 'conflict' })
    expect((await readdir(root)).sort()).toEqual(['link', 'target'])
  })

  it('unpacks an archive that has only folders', async () => {
    const { files } = await unpackTar(
      chunked(
        makeTar([
          { path: './', type: '5' },
          { path: 'a/b/', type: '5' },
        ]),
      ),
      target(),
    )
    expect(files).toEqual([])
    expect((await stat(join(target(), 'a/b'))).isDirectory()).toBe(true)
  })
})
