import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MAX_README_PICTURE_BYTES, MAX_README_PICTURES } from '@trainyard/contract'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { findReadmePictures } from './readme-pictures.ts'

const PNG = Buffer.from('\u0089PNG\r\n\u001a\n and so on', 'latin1')
let parent: string
let dir: string
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'trainyard-readme-'))
  dir = join(parent, 'trainer')
  await mkdir(join(dir, 'docs'), { recursive: true })
  for (const name of ['a.png', 'docs/b c.png', 'docs/d.png', 'docs/e.png', 'unused.png'])
    await writeFile(join(dir, name), PNG)
})
afterEach(() => rm(parent, { recursive: true, force: true }))

const paths = async (readme: string) => (await findReadmePictures(dir, readme)).map(({ path }) => path)

it('finds the pictures that a README shows, in Markdown and HTML, once', async () => {
  const readme =
    '![a](a.png "A") ![a](./a.png) ![b](docs/b%20c.png) <img alt="d" src="docs/d.png"> ![e][e]\n\n[e]: docs/e.png'
  expect(await paths(readme)).toEqual(['a.png', 'docs/b c.png', 'docs/d.png', 'docs/e.png'])
  expect((await findReadmePictures(dir, '![a](a.png)'))[0]).toEqual({
    path: 'a.png',
    contentType: 'image/png',
    content: PNG,
  })
  expect(await findReadmePictures(dir, undefined)).toEqual([])
})

it('takes nothing from outside of the folder, no folder, and nothing that is no picture or too large', async () => {
  await writeFile(join(parent, 'secret.png'), PNG)
  await symlink(join(parent, 'secret.png'), join(dir, 'link.png'))
  await symlink(parent, join(dir, 'up'))
  await writeFile(join(dir, 'x.svg.png'), '<svg><script>alert(1)</script></svg>')
  await writeFile(join(dir, 'large.png'), Buffer.concat([PNG, Buffer.alloc(MAX_README_PICTURE_BYTES)]))
  const names = [
    '../secret.png',
    '%2e%2e/secret.png',
    'link.png',
    'up/secret.png',
    'x.svg.png',
    'large.png',
    'docs',
    'none.png',
  ]
  expect(await paths(names.map((name) => `![x](${name})`).join(' '))).toEqual([])
})

it('takes a bounded number of pictures', async () => {
  const names = Array.from({ length: MAX_README_PICTURES + 5 }, (_, index) => `docs/${index}.png`)
  for (const name of names) await writeFile(join(dir, name), PNG)
  expect(await paths(names.map((name) => `![x](${name})`).join('\n'))).toEqual(names.slice(0, MAX_README_PICTURES))
})

it.each(['](', 'src="', ']: ', '<'])('reads a README of endless %j at once', async (piece) => {
  expect(await paths(piece.repeat(200_000 / piece.length))).toEqual([])
})
