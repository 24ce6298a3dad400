import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { registryMigrations } from './migrations/index.ts'

it('lists every file of the folder by its name, in the order in which they run', async () => {
  const files = await readdir(join(import.meta.dirname, 'migrations'))
  const names = files.filter((name) => name !== 'index.ts').map((name) => name.replace(/\.ts$/, ''))
  expect(Object.keys(registryMigrations)).toEqual(names.toSorted())
})
