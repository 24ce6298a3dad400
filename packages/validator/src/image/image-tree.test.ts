import { makeTar, type TarEntrySpec } from '@trainyard/platform/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LayerRefused } from '../errors.ts'
import { ImageTree } from './image-tree.ts'
import { inspectLayer } from './inspect-layer.ts'
import type { LayerEntry } from './layer-entry.ts'
import { randomLayers } from './testing/random-layers.ts'

async function entriesOf(specs: readonly TarEntrySpec[]): Promise<readonly LayerEntry[]> {
  const body = (async function* () {
    yield await Promise.resolve(makeTar(specs))
  })()
  return (await inspectLayer(body, { mediaType: 'application/vnd.oci.image.layer.v1.tar' })).entries
}

async function treeOf(layers: readonly (readonly TarEntrySpec[])[]): Promise<ImageTree> {
  const tree = new ImageTree()
  for (const specs of layers) tree.apply(await entriesOf(specs))
  return tree
}

const shown = (tree: ImageTree): string[] =>
  [...tree.entries()].map(([path, node]) => `${path} ${node.type} ${node.layer}`).sort()

/** A second view of the same rules, which removes and adds paths of a flat list. */
function model(layers: readonly (readonly LayerEntry[])[]): string[] {
  let files = new Map<string, string>()
  const removeAll = (path: string, self: boolean) => {
    files = new Map([...files].filter(([other]) => !(other.startsWith(`${path}/`) || (self && other === path))))
  }
  for (const [layer, entries] of layers.entries()) {
    for (const { path, type, linkPath } of entries) {
      const parts = path.split('/')
      const last = type === 'opaque' ? parts.length : parts.length - 1
      for (let length = 1; length <= last; length++) {
        const parent = parts.slice(0, length).join('/')
        if (parent !== '' && !files.has(parent)) files.set(parent, `directory ${layer}`)
      }
      if (type === 'opaque') removeAll(path, false)
      else if (type === 'whiteout') removeAll(path, true)
      else if (type === 'directory' && files.get(path)?.startsWith('directory')) continue
      else {
        const value = type === 'hardlink' ? (files.get(linkPath) ?? '') : `${type} ${layer}`
        removeAll(path, true)
        files.set(path, value)
      }
    }
  }
  return [...files].map(([path, value]) => `${path} ${value}`).sort()
}

describe('the files of an image', () => {
  it('are those of a second model, for random layers', async () => {
    let accepted = 0
    await fc.assert(
      fc.asyncProperty(randomLayers, async (layers) => {
        const entries = await Promise.all(layers.map(entriesOf))
        const tree = new ImageTree()
        try {
          for (const layer of entries) tree.apply(layer)
        } catch (error) {
          expect(error).toBeInstanceOf(LayerRefused)
          return
        }
        accepted += 1
        expect(shown(tree)).toEqual(model(entries))
      }),
      { numRuns: 1500, seed: 20_261_129 },
    )
    expect(accepted).toBeGreaterThan(300)
  })

  it.each<[string, TarEntrySpec[][], string[]]>([
    ['a whiteout of a lower file', [[{ path: 'a' }, { path: 'b' }], [{ path: '.wh.a' }]], ['b file 0']],
    [
      'an opaque folder, which keeps what its own layer adds',
      [[{ path: 'd/old' }], [{ path: 'd/.wh..wh..opq' }, { path: 'd/new' }]],
      ['d directory 0', 'd/new file 1'],
    ],
    [
      'the second of two equal paths in one layer',
      [
        [
          { path: 'a', body: '1' },
          { path: './a', body: '2' },
        ],
      ],
      ['a file 0'],
    ],
    ['a file in place of a folder', [[{ path: 'd/x' }], [{ path: 'd' }]], ['d file 1']],
    [
      'a folder in place of a link',
      [[{ path: 'd', type: '2', linkName: 'e' }], [{ path: 'd/', type: '5' }]],
      ['d directory 1'],
    ],
    [
      'hard links to an earlier and to a lower file',
      [[{ path: 'a' }, { path: 'b', type: '1', linkName: '/a' }], [{ path: 'c', type: '1', linkName: './b' }]],
      ['a file 0', 'b file 0', 'c file 0'],
    ],
  ])('keep %s', async (_, layers, expected) => {
    expect(shown(await treeOf(layers))).toEqual(expected)
  })

  it('remember the last of two equal paths', async () => {
    const tree = await treeOf([[{ path: 'a', body: '1' }, { path: 'b' }, { path: 'a', body: '22' }]])
    expect(tree.find('a')).toMatchObject({ index: 2, sizeBytes: 2 })
  })

  const link: TarEntrySpec = { path: 'app', type: '2', linkName: 'etc' }
  it.each<[string, TarEntrySpec[][], RegExp]>([
    [
      'writes below a link of its own',
      [[link, { path: 'app/x' }]],
      /\/app\/x below \/app, which is no folder but a symlink/,
    ],
    ['writes below a link of a lower layer', [[link], [{ path: 'app/x' }]], /below \/app/],
    ['writes below a file', [[{ path: 'app' }], [{ path: 'app/x' }]], /no folder but a file/],
    ['hides what it holds', [[{ path: 'a' }, { path: '.wh.a' }]], /hides \/a, which it holds itself/],
    [
      'empties a folder after adding to it',
      [[{ path: 'd/a' }, { path: 'd/.wh..wh..opq' }]],
      /after it has added to it/,
    ],
    ['hides a folder and adds it again', [[{ path: 'd/x' }], [{ path: '.wh.d' }, { path: 'd/y' }]], /adds it again/],
    ['replaces a folder twice', [[{ path: 'd/x' }], [{ path: 'd' }, { path: 'd/', type: '5' }]], /adds it again/],
    ['links to a missing file', [[{ path: 'a', type: '1', linkName: 'b' }]], /which is no file before it/],
    ['links to a later file', [[{ path: 'a', type: '1', linkName: 'b' }, { path: 'b' }]], /which is no file before it/],
    ['links to itself', [[{ path: 'a' }, { path: 'a', type: '1', linkName: 'a' }]], /which is no file before it/],
    [
      'links out of the image',
      [[{ path: 'a', type: '1', linkName: '../etc/passwd' }]],
      /target leads out of the image/,
    ],
    ['leads out of the image', [[{ path: 'a/../../b' }]], /name leads out of the image/],
    ['hides everything', [[{ path: 'a' }], [{ path: '.wh..wh..opq' }]], /hides everything/],
    ['hides its own folder', [[{ path: 'd/.wh..' }]], /whiteout without meaning/],
    ['has a metadata entry of aufs', [[{ path: '.wh..wh.plnk' }]], /whiteout without meaning/],
    ['replaces the root', [[{ path: './', type: '2', linkName: '/tmp' }]], /replaces the root/],
    [
      'has a very long path',
      [[{ path: 'x', type: 'L', body: `${'a/'.repeat(3000)}b` }, { path: 'y' }]],
      /longer than 4095/,
    ],
    ['has an unknown type', [[{ path: 'a', type: 'V' }]], /unknown type: \/a/],
  ])('refuse a layer that %s', async (_, layers, message) => {
    const reading = treeOf(layers)
    await expect(reading).rejects.toThrow(LayerRefused)
    await expect(reading).rejects.toThrow(message)
  })
})
