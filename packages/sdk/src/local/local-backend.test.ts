import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { parseArguments } from './arguments.ts'
import { createLocalBackend } from './local-backend.ts'

it('a checkpoint that is a folder has the bytes of its files, when it is saved and when it is read', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'trainyard-local-'))
  try {
    const folder = join(dir, 'model')
    await mkdir(join(folder, 'deep'), { recursive: true })
    await writeFile(join(folder, 'config.json'), '{}')
    await writeFile(join(folder, 'deep', 'weights.bin'), Buffer.alloc(100_000))
    const args = parseArguments(['predict', '--checkpoint', folder, '--images', dir], {})
    const backend = createLocalBackend(join(dir, 'run'), args)
    expect(await backend.upload('checkpoint', folder, { name: 'best' })).toMatchObject({ sizeBytes: 100_002 })
    expect(await backend.findCheckpoint(new AbortController().signal)).toMatchObject({
      name: 'model',
      sizeBytes: 100_002,
    })
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
})
