import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { runRule } from './rule.ts'
import { linksAndSpecialFiles } from './rules/links-and-special-files.ts'
import { packageSize } from './rules/package-size.ts'
import { readTrainerFolder } from './trainer-folder.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'trainer-folder-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

test('does not follow links or open pipes, and lists both as special entries', async () => {
  await mkdir(join(dir, 'src'))
  await writeFile(join(dir, 'src/main.js'), '1')
  await symlink('/etc', join(dir, 'src/etc'))
  await symlink(join(dir, 'src/main.js'), join(dir, 'main.js'))
  execFileSync('/bin/sh', ['-c', 'mkfifo "$0"', join(dir, 'pipe')])
  const folder = await readTrainerFolder(dir)
  expect(folder.files.map(({ path }) => path)).toEqual(['src/main.js'])
  expect(folder.specialEntries).toHaveLength(3)
  expect(await folder.readBytes('pipe', 10)).toBeUndefined()
  expect(await folder.readBytes('main.js', 10)).toBeUndefined()
  const findings = await runRule(linksAndSpecialFiles, folder)
  expect(findings.map(({ file }) => file).sort()).toEqual(['main.js', 'pipe', 'src/etc'])
})

test('treats a manifest that is a link as missing', async () => {
  await writeFile(join(dir, 'other.json'), '{}')
  await symlink('other.json', join(dir, 'trainer.json'))
  expect((await readTrainerFolder(dir)).manifest).toEqual({ state: 'missing' })
})

test('ignores dependencies and history', async () => {
  await mkdir(join(dir, 'node_modules/x'), { recursive: true })
  await mkdir(join(dir, '.git'))
  await writeFile(join(dir, 'node_modules/x/index.js'), '1')
  const folder = await readTrainerFolder(dir)
  expect(folder.files).toEqual([])
  expect([...folder.ignored].sort()).toEqual(['.git', 'node_modules'])
})

test('stops at the limit of files and reports it', async () => {
  for (const name of ['a', 'b', 'c']) await writeFile(join(dir, name), '1')
  const folder = await readTrainerFolder(dir, { limits: { maxFiles: 2 } })
  expect(folder.files).toHaveLength(2)
  const findings = await runRule(packageSize, folder)
  expect(findings).toMatchObject([{ code: 'TY208', severity: 'error' }])
})

test('reports huge files and packages without reading them', async () => {
  for (const name of ['a.bin', 'b.bin', 'c.bin']) {
    await writeFile(join(dir, name), '')
    await truncate(join(dir, name), 200 * 1024 * 1024)
  }
  const findings = await runRule(packageSize, await readTrainerFolder(dir))
  expect(findings.map(({ severity, file }) => [severity, file])).toEqual([
    ['error', undefined],
    ['warning', 'a.bin'],
    ['warning', 'b.bin'],
    ['warning', 'c.bin'],
  ])
})

test('does not parse a manifest that is larger than the limit', async () => {
  await writeFile(join(dir, 'trainer.json'), '{}')
  await truncate(join(dir, 'trainer.json'), 2 * 1024 * 1024)
  expect((await readTrainerFolder(dir)).manifest).toMatchObject({ state: 'unreadable' })
})
