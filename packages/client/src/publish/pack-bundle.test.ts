import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { unpackTar } from 'modern-tar'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTrainerFolder } from '../testing/test-trainer.ts'
import { listBundleFiles } from './list-bundle-files.ts'
import { packBundle } from './pack-bundle.ts'

let scratch = ''
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'trainyard-pack-'))
})
afterAll(() => rm(scratch, { recursive: true, force: true }))

async function pack(dir: string) {
  const target = join(scratch, randomBytes(4).toString('hex'))
  const packed = await packBundle(dir, await listBundleFiles(dir), target)
  const bytes = await readFile(target)
  return { ...packed, bytes, entries: await unpackTar(gunzipSync(bytes)) }
}

test('equal files give equal bytes, independent of times and of the order of creation', async () => {
  await using first = await createTrainerFolder({ 'a/b.txt': 'b', 'a.txt': 'a', 'run.sh': '#!/bin/sh' })
  await using second = await createTrainerFolder({ 'run.sh': '#!/bin/sh', 'a.txt': 'a', 'a/b.txt': 'b' })
  await utimes(join(second.dir, 'a.txt'), 1, 1)
  const [one, two] = [await pack(first.dir), await pack(second.dir)]
  expect(one.digest).toBe(two.digest)
  expect(one.sizeBytes).toBe(one.bytes.length)
  expect(one.entries.map(({ header }) => header.name)).toEqual([
    'a.txt',
    'a/b.txt',
    'run.sh',
    'train.mjs',
    'trainer.json',
  ])
  expect(one.entries.every(({ header }) => header.mtime?.getTime() === 0 && header.uid === 0)).toBe(true)
  expect(one.entries.map(({ header }) => header.mode)).toEqual([0o644, 0o644, 0o755, 0o644, 0o644])
})

test('restores long paths, non-ASCII paths and sizes around a block', async () => {
  const files: Record<string, string> = {
    [`${'long/'.repeat(40)}file.txt`]: 'deep',
    'gewichte-größe-가중치.txt': 'weights',
    ...Object.fromEntries([0, 1, 511, 512, 513].map((size) => [`size-${size}`, 'x'.repeat(size)])),
  }
  await using folder = await createTrainerFolder(files)
  const { entries } = await pack(folder.dir)
  const read = Object.fromEntries(entries.map(({ header, data }) => [header.name, Buffer.from(data ?? []).toString()]))
  expect(read).toMatchObject(files)
})

test('excludes the default patterns and those of .trainyardignore', async () => {
  await using folder = await createTrainerFolder({
    'node_modules/x/index.js': '',
    'lib/node_modules/y.js': '',
    '.git/HEAD': '',
    'runs/1/journal': '',
    'lib/runs/kept.txt': '',
    '.trainyard/db': '',
    '.env': 'SECRET=1',
    'data/big.bin': '',
    'data/keep.txt': '',
    'a.log': '',
    'deep/b.log': '',
    'build/out.js': '',
    'src/build': 'a file, not a folder',
    '.trainyardignore': '# large\ndata/*\n!data/keep.txt\n\n*.log\nbuild/\n',
  })
  const paths = (await listBundleFiles(folder.dir)).map(({ path }) => path)
  expect(paths).toEqual(['data/keep.txt', 'lib/runs/kept.txt', 'src/build', 'train.mjs', 'trainer.json'])
})

test('refuses links and names them', async () => {
  await using folder = await createTrainerFolder()
  await symlink('/etc/hostname', join(folder.dir, 'hosts'))
  await expect(listBundleFiles(folder.dir)).rejects.toThrow('hosts (a symbolic link)')
  await writeFile(join(folder.dir, '.trainyardignore'), 'hosts')
  expect((await listBundleFiles(folder.dir)).map(({ path }) => path)).toEqual(['train.mjs', 'trainer.json'])
})

test('refuses a file that changed after it was listed', async () => {
  await using folder = await createTrainerFolder({ 'growing.bin': '12' })
  const files = await listBundleFiles(folder.dir)
  await writeFile(join(folder.dir, 'growing.bin'), '1234')
  await expect(packBundle(folder.dir, files, join(scratch, 'grown'))).rejects.toThrow('growing.bin changed')
})
