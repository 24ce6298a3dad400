import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type CallbackServer, sha256, startCallbackServer } from '../testing/callback-server.ts'
import { createDice, createPng } from '../testing/test-dataset.ts'
import { readNotes } from '../transfer/range-notes.ts'
import { removeFolder } from './stored-entry.ts'

const MIB = 1024 * 1024
const RANGE = 16 * MIB
const versionHash = 'e'.repeat(64)
const program = fileURLToPath(new URL('../testing/fill-cache.ts', import.meta.url))

let platform: CallbackServer
let dir: string
let child: ChildProcess | undefined

beforeEach(async () => {
  platform = await startCallbackServer()
  dir = mkdtempSync(join(tmpdir(), 'trainyard-killed-'))
})
afterEach(async () => {
  child?.kill('SIGKILL')
  await platform.close()
  await removeFolder(dir)
  rmSync(dir, { recursive: true, force: true })
})

describe('a process that is killed during a large download', () => {
  it('is followed by one that requests only the missing ranges', { timeout: 120_000 }, async () => {
    const large = Buffer.alloc(5 * RANGE + 3, 'not the same in every range')
    createPng().copy(large)
    const { annotations } = createDice(1)
    platform.annotations = [annotations]
    platform.files = [{ path: 'images/0.png', bytes: large }]
    const ranges: string[] = []
    let stalled = 0
    let isStalling = true
    platform.intercept = (request, response) => {
      const { range } = request.headers
      if (range === undefined) return false
      ranges.push(range)
      const start = Number(/\d+/.exec(range)?.[0])
      if (!isStalling || start < 2 * RANGE) return false
      // Half of the file is sent, then nothing.
      const head = { etag: `"${sha256(large).slice(0, 16)}"`, 'content-length': Math.min(RANGE, large.length - start) }
      const end = Math.min(start + RANGE, large.length)
      response.writeHead(206, { ...head, 'content-range': `bytes ${start}-${end - 1}/${large.length}` })
      response.write(large.subarray(start, start + (end - start) / 2), () => stalled++)
      return true
    }
    const args = ['--conditions=trainyard-source', program, platform.url, dir, versionHash]
    child = spawn(process.execPath, args, { stdio: 'ignore' })
    const notes = join(dir, versionHash, 'files', 'images', '0.png.part.json')
    await vi.waitFor(
      () => {
        expect(stalled).toBe(4)
        expect(readNotes(notes)?.done).toEqual(new Set([0, 1]))
      },
      { timeout: 60_000, interval: 50 },
    )
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(existsSync(join(dir, `${versionHash}.lock`))).toBe(true)

    isStalling = false
    ranges.length = 0
    const { stdout } = await promisify(execFile)(process.execPath, args)
    expect(stdout.trim()).toBe('1')
    expect(ranges.map((range) => Number(/\d+/.exec(range)?.[0]) / RANGE).sort()).toEqual([2, 3, 4, 5])
    const images = join(dir, versionHash, 'files', 'images')
    expect(sha256(readFileSync(join(images, '0.png')))).toBe(sha256(large))
    expect(readdirSync(images)).toEqual(['0.png'])
  })
})
