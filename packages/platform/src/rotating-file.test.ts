import { appendFile, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openRotatingFile, rotateByCopy } from './rotating-file.ts'

describe('a log file', () => {
  let dir: string
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'trainyard-log-'))
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))
  const read = async (name: string) => await readFile(join(dir, name), 'utf8')

  it('is replaced when it is full, and a few older ones are kept', async () => {
    const path = join(dir, 'server.log')
    const log = openRotatingFile(path, { maxBytes: 20, generations: 2 })
    for (let line = 1; line <= 9; line++) log.write(`line ${line}...\n`)
    expect((await readdir(dir)).toSorted()).toEqual(['server.log', 'server.log.1', 'server.log.2'])
    expect(await read('server.log')).toBe('line 9...\n')
    expect(await read('server.log.1')).toBe('line 7...\nline 8...\n')
    expect(await read('server.log.2')).toBe('line 5...\nline 6...\n')
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    // Another start continues it.
    openRotatingFile(path, { maxBytes: 20, generations: 2 }).write('more\n')
    expect(await read('server.log')).toBe('line 9...\nmore\n')
  })

  it('of another process is copied and cut', async () => {
    const path = join(dir, 'postgres.log')
    expect(rotateByCopy(path, { maxBytes: 5 })).toBe(false)
    await appendFile(path, 'first\n')
    expect(rotateByCopy(path, { maxBytes: 5 })).toBe(true)
    expect([await read('postgres.log'), await read('postgres.log.1')]).toEqual(['', 'first\n'])
  })
})
