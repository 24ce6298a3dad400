import { describe, expect, it } from 'vitest'
import { makeTar, type TarEntrySpec } from '../testing/make-tar.ts'
import { readTar } from './read-tar.ts'

async function* pieces(bytes: Uint8Array, size = 700): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += size)
    yield await Promise.resolve(bytes.subarray(offset, offset + size))
}

async function read(archive: Uint8Array): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for await (const entry of readTar(pieces(archive))) {
    const text = entry.type === 'file' ? Buffer.from((await entry.read(1e6)) ?? []).toString() : entry.linkName
    found[entry.name] = `${entry.type} ${entry.mode.toString(8)} ${text}`
  }
  return found
}

const pax = (records: Record<string, string>): TarEntrySpec => {
  const lines = Object.entries(records).map(([key, value]) => {
    const rest = ` ${key}=${value}\n`
    let length = rest.length
    while (String(length).length + rest.length !== length) length = String(length).length + rest.length
    return `${length}${rest}`
  })
  return { path: 'x', type: 'x', body: lines.join('') }
}

describe('readTar', () => {
  it('reads links, devices and setuid bits, with long names of PAX and GNU', async () => {
    const archive = makeTar([
      { path: 'su', mode: 0o4755, body: 'root' },
      { path: 'link', type: '2', linkName: '/etc' },
      { path: 'twin', type: '1', linkName: 'su' },
      { path: 'null', type: '3' },
      pax({ path: 'pax/name', linkpath: 'pax/target' }),
      { path: 'short', type: '2', linkName: 'short' },
      { path: 'x', type: 'L', body: 'gnu/name\0' },
      { path: 'x', type: 'K', body: 'gnu/target\0' },
      { path: 'short', type: '2', linkName: 'short' },
      { path: 'old/', type: '\0' },
    ])
    expect(await read(archive)).toEqual({
      su: 'file 4755 root',
      link: 'symlink 644 /etc',
      twin: 'hardlink 644 su',
      null: 'device 644 ',
      'pax/name': 'symlink 644 pax/target',
      'gnu/name': 'symlink 644 gnu/target',
      'old/': 'directory 644 ',
    })
  })

  it('keeps two names apart that are not UTF-8', async () => {
    const names = [Buffer.from([0x61, 0xff]), Buffer.from([0x61, 0xfe]), Buffer.from('aÿ')]
    expect(Object.keys(await read(makeTar(names.map((path) => ({ path })))))).toHaveLength(3)
  })

  it('ignores a global record, as container engines do', async () => {
    const archive = makeTar([
      { ...pax({ path: 'global' }), type: 'g' },
      { path: 'own', body: 'x' },
    ])
    expect(await read(archive)).toEqual({ own: 'file 644 x' })
  })

  it.each<[string, TarEntrySpec[] | Buffer, RegExp]>([
    [
      'a link with bytes, which some programs read as entries',
      [{ path: 'l', type: '1', linkName: 'x', body: makeTar([{ path: 'trainer.json' }]) }],
      /"l" has bytes, which an entry of the type "1"/,
    ],
    [
      'an unknown type with bytes',
      [{ path: 'q', type: 'Q', body: makeTar([{ path: 'trainer.json' }]) }],
      /"q" has bytes/,
    ],
    ['a sparse file', [{ path: 's', type: 'S', body: 'x' }], /"s" is a sparse file/],
    ['a file with the name of a folder', [{ path: 'a/', body: 'x' }], /"a\/" is a file whose name ends/],
    [
      'two long names that differ',
      [pax({ path: 'one' }), { path: 'x', type: 'L', body: 'two\0' }, { path: 'short' }],
      /two different long names/,
    ],
    ['a file that ends early', makeTar([{ path: 'a', body: 'x'.repeat(5000) }]).subarray(0, 3000), /"a" is truncated/],
    [
      'an archive after the end of the archive',
      Buffer.concat([makeTar([{ path: 'a' }]), makeTar([{ path: 'b' }])]),
      /other bytes after its end/,
    ],
    [
      'an archive after one block of zeros',
      Buffer.concat([makeTar([{ path: 'a' }]).subarray(0, 1024), makeTar([{ path: 'b' }])]),
      /other bytes after its end/,
    ],
  ])('refuses %s', async (_, entries, message) => {
    await expect(read(Buffer.isBuffer(entries) ? entries : makeTar(entries))).rejects.toThrow(message)
  })
})
