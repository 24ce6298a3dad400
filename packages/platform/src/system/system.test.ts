import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fakeClock } from '../testing/fake-clock.ts'
import { ensureWritableFolder } from './folders.ts'
import { newId } from './ids.ts'
import { lockFolder } from './lock-folder.ts'
import { processIdentity } from './process-identity.ts'
import { newTraceId, parseTraceparent, traceparent } from './trace.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'trainyard-system-'))
})
afterEach(async () => {
  await rm(dir, { recursive: true, force: true })
})

describe('newId', () => {
  it('creates unique ids that sort by age and are safe in URLs', () => {
    const ids = Array.from({ length: 1000 }, () => newId('job'))
    expect(new Set(ids).size).toBe(1000)
    for (const id of ids) expect(id).toMatch(/^job_[0-9a-z]{26}$/)
    const heads = ids.map((id) => id.slice(0, 14))
    expect(heads.toSorted()).toEqual(heads)
  })
})

describe('trace ids', () => {
  it('are read from a traceparent, and not from an invalid one', () => {
    const traceId = newTraceId()
    expect(parseTraceparent(traceparent(traceId))).toBe(traceId)
    expect(parseTraceparent('nonsense')).toBeUndefined()
    expect(parseTraceparent(`00-${'0'.repeat(32)}-${'1'.repeat(16)}-01`)).toBeUndefined()
  })
})

describe('processIdentity', () => {
  it('is stable for a running process, differs between two, and is undefined for one that ended', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
    const pid = child.pid ?? 0
    const identity = await processIdentity(pid)
    expect(identity).toBeTypeOf('string')
    expect(await processIdentity(pid)).toBe(identity)
    expect(await processIdentity(process.pid)).not.toBe(identity)
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
    expect(await processIdentity(pid)).toBeUndefined()
    expect(await processIdentity(-1)).toBeUndefined()
  })
})

describe('lockFolder', () => {
  it('has one owner at a time, and names it to others', async () => {
    const first = await lockFolder(dir)
    await expect(lockFolder(dir)).rejects.toThrow(`${dir} is in use by another Trainyard (process ${process.pid})`)
    await first.release()
    const second = await lockFolder(dir)
    await second.release()
    expect(await readdir(dir)).toEqual([])
  })

  it.each([
    ['of a process that has ended', JSON.stringify({ pid: 2 ** 30, identity: 'x', nonce: 'n' })],
    ['of another process with the same pid', JSON.stringify({ pid: process.pid, identity: 'earlier', nonce: 'n' })],
    ['that a crash truncated', '{"pid":'],
  ])('breaks a lock %s', async (_, content) => {
    await writeFile(join(dir, 'trainyard.lock'), content)
    const lock = await lockFolder(dir)
    await lock.release()
    expect(await readdir(dir)).toEqual([])
  })

  it('has one winner when many find the same stale lock, and leaves no other file', async () => {
    for (let round = 0; round < 25; round++) {
      const folder = join(dir, String(round))
      await mkdir(folder)
      await writeFile(join(folder, 'trainyard.lock'), JSON.stringify({ pid: 2 ** 30, identity: 'x', nonce: 'n' }))
      const results = await Promise.allSettled(Array.from({ length: 16 }, () => lockFolder(folder)))
      expect(results.filter(({ status }) => status === 'fulfilled').length).toBe(1)
      expect(await readdir(folder)).toEqual(['trainyard.lock'])
    }
  })

  it('breaks a stale lock although a process died while it was breaking it', async () => {
    const stale = { pid: 2 ** 30, identity: 'x', nonce: 'n' }
    await writeFile(join(dir, 'trainyard.lock'), JSON.stringify(stale))
    const breakerLock = createHash('sha256').update('n').digest('hex').slice(0, 24)
    await writeFile(join(dir, `trainyard.lock.${breakerLock}`), JSON.stringify({ ...stale, nonce: 'm' }))
    await lockFolder(dir)
    expect(await readdir(dir)).toEqual(['trainyard.lock'])
  })
})

describe('ensureWritableFolder', () => {
  it('creates the folder and leaves no file in it', async () => {
    await ensureWritableFolder(join(dir, 'a/b'), 'the data folder')
    expect((await stat(join(dir, 'a/b'))).isDirectory()).toBe(true)
    expect(await readdir(join(dir, 'a/b'))).toEqual([])
  })

  it('reports a part of the path that is a file', async () => {
    await writeFile(join(dir, 'file'), '')
    await expect(ensureWritableFolder(join(dir, 'file/b'), 'the data folder (DATA_DIR)')).rejects.toThrow(
      /file\/b cannot be used as the data folder \(DATA_DIR\): a part of that path is a file/,
    )
  })

  it.skipIf(process.getuid?.() === 0)(
    'reports a folder that is not writable (skipped as root, who can write everywhere)',
    async () => {
      await mkdir(join(dir, 'closed'))
      await chmod(join(dir, 'closed'), 0o500)
      await expect(ensureWritableFolder(join(dir, 'closed'), 'it')).rejects.toThrow(
        /cannot write there; change its owner/,
      )
    },
  )
})

describe('fakeClock', () => {
  it('runs due timers in order when it advances, except cancelled ones', () => {
    const clock = fakeClock('2026-01-01T00:00:00Z')
    const ran: string[] = []
    clock.setTimeout(() => ran.push(`b at ${clock.now().toISOString()}`), 2000)
    clock.setTimeout(() => {
      ran.push('a')
      clock.setTimeout(() => ran.push('a again'), 500)
    }, 1000)
    clock.setTimeout(() => ran.push('never'), 1500).cancel()
    clock.advance(1999)
    expect(ran).toEqual(['a', 'a again'])
    clock.advance(1)
    expect(ran).toEqual(['a', 'a again', 'b at 2026-01-01T00:00:02.000Z'])
  })
})
