import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { unpackArchive } from '@trainyard/platform'
import { expect, test } from 'vitest'
import { tarBlob } from './tar-blob.ts'

test('files of any name and size are unpacked as they were', async () => {
  const long = `${'deep/'.repeat(30)}a.png`
  const files = { 'set/a.txt': 'one', 'set/empty': '', 'set/مجموعة 🌻.png': 'x'.repeat(513), [long]: 'y'.repeat(512) }
  const blob = tarBlob(Object.entries(files).map(([path, text]) => ({ path, file: new Blob([text]) })))
  expect(blob.size % 512).toBe(0)
  const dir = await mkdtemp(join(tmpdir(), 'trainyard-tar-'))
  try {
    const { files: unpacked } = await unpackArchive(blob.stream(), join(dir, 'files'))
    expect(unpacked.map(({ path }) => path).toSorted()).toEqual(Object.keys(files).toSorted())
    for (const [path, text] of Object.entries(files))
      expect(await readFile(join(dir, 'files', path), 'utf8')).toBe(text)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
})
