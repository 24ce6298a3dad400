import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openDataFolder } from './data-folder.ts'

describe('a data folder', () => {
  let parent: string
  let dir: string
  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), 'trainyard-data-'))
    dir = join(parent, 'data')
  })
  afterEach(() => rm(parent, { recursive: true, force: true }))
  const modeOf = async (path: string) => (await stat(path)).mode & 0o777
  const open = () => openDataFolder(dir, 'the data folder')

  it('is created for its owner only, with a version', async () => {
    await open()
    expect(await modeOf(dir)).toBe(0o700)
    expect(await readFile(join(dir, 'version'), 'utf8')).toBe('1\n')
    expect(await modeOf(join(dir, 'version'))).toBe(0o600)
    await open()
  })

  it('of an earlier release is closed to others, and gets the version', async () => {
    await mkdir(dir)
    await chmod(dir, 0o755)
    await writeFile(join(dir, 'server.log'), 'a line')
    await chmod(join(dir, 'server.log'), 0o644)
    await open()
    expect([await modeOf(dir), await modeOf(join(dir, 'server.log'))]).toEqual([0o700, 0o600])
    expect(await readFile(join(dir, 'version'), 'utf8')).toBe('1\n')
  })

  it('may be entered by others if its owner allows it', async () => {
    await open()
    await chmod(dir, 0o711)
    await open()
    expect(await modeOf(dir)).toBe(0o711)
  })

  it('of a newer release is refused and not changed', async () => {
    await mkdir(dir)
    await writeFile(join(dir, 'version'), '2\n')
    await expect(open()).rejects.toThrow(
      'was written by a newer release (version 2; this one knows versions up to 1). Start that release',
    )
    expect(await readFile(join(dir, 'version'), 'utf8')).toBe('2\n')
  })

  it('with a version file that is not a number is refused', async () => {
    await mkdir(dir)
    await writeFile(join(dir, 'version'), 'one')
    await expect(open()).rejects.toThrow('has the content "one"; expected a number')
  })
})
