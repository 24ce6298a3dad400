import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runCommand } from '../../testing/run-command.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'trainyard-commands-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const run = (args: string[], env: Record<string, string> = {}) =>
  runCommand(args, { cwd: dir, env: { PATH: process.env.PATH ?? '', ...env } })

describe('trainyard cache', () => {
  const hash = 'a'.repeat(64)
  it('lists datasets, and removes those above the limit', async () => {
    mkdirSync(join(dir, 'cache', hash, 'files'), { recursive: true })
    writeFileSync(join(dir, 'cache', hash, 'files', 'a.png'), 'x'.repeat(2000))
    const env = { DATASET_CACHE_DIR: 'cache' }
    expect((await run(['cache', 'ls'], env)).out).toMatch(/^aaaaaaaaaaaa .*1 dataset, /s)
    const dry = await run(['cache', 'prune', '--max', '0', '--dry-run'], env)
    expect(dry).toMatchObject({ code: 0, out: expect.stringContaining('would be removed') })
    expect(JSON.parse((await run(['cache', 'ls', '--json'], env)).out).datasets).toHaveLength(1)
    expect((await run(['cache', 'prune', '--max', '0'], env)).out).toContain('1 dataset removed')
    expect(JSON.parse((await run(['cache', 'ls', '--json'], env)).out).datasets).toEqual([])
    expect(await run(['cache', 'verify'], env)).toMatchObject({ code: 0, out: '0 datasets verified\n' })
  })

  it.each([
    [['ls'], 'no cache: use --dir DIR, or set DATASET_CACHE_DIR'],
    [['clean', '--dir', 'x'], 'unknown command "clean"'],
    [['prune', '--dir', 'x'], 'no limit: use --max GB, or set DATASET_CACHE_MAX_GB'],
    [['prune', '--dir', 'x', '--max', 'lots'], '--max is "lots": expected a number of at least 0'],
  ])('refuses %j', async (args, message) => {
    const { code, err } = await run(['cache', ...args])
    expect(code).toBe(2)
    expect(err).toContain(message)
  })
})
