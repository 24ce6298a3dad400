import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encode } from 'fast-png'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { convertDataset, createDataYaml, splitDataset, validateDataset } from '../index.ts'

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'trainyard-calls-'))
  for (const name of ['cat', 'dog']) {
    await mkdir(join(dir, 'pets', 'train', name), { recursive: true })
    const picture = encode({ width: 4, height: 4, channels: 1, data: new Uint8Array(16) })
    for (const index of [1, 2, 3]) await writeFile(join(dir, 'pets', 'train', name, `${index}.png`), picture)
  }
})
afterAll(() => rm(dir, { recursive: true, force: true }))

test('the dataset calls accept the path of a folder', async () => {
  const pets = join(dir, 'pets')
  expect((await validateDataset(pets)).images).toBe(6)
  const { splits } = await splitDataset(pets)
  expect(splits.size).toBe(6)
  await convertDataset({ source: pets, target: join(dir, 'dice'), to: 'dice' })
  expect(await readdir(join(dir, 'dice'))).toContain('annotations_classification.json')
  expect(await createDataYaml({ names: ['no', 'yes'] })).toContain('"no"')
})
