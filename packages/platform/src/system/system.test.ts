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
  it('makes ids that differ, sort by age and fit into a URL', () => {
    const ids = Array.from({ length: 1000 }, () => newId('job'))
    expect(new Set(ids).size).toBe(1000)
    for (const id of ids) expect(id).toMatch(/^job_[0-9a-z]{26}$/)
    const heads = ids.map((id) => id.slice(0, 14))
    expect(heads.toSorted()).toEqual(heads)
  })
})

describe('trace ids', () => {
  it('travel through a traceparent, and nonsense does not', () => {
    const traceId = newTraceId()
    expect(parseTraceparent(traceparent(traceId))).toBe(traceId)
    expect(parseTraceparent('nonsense')).toBeUndefined()
    expect(parseTraceparent(`00-${'0'.repeat(32)}-${'1'.repeat(16)}-01`)).toBeUndefined()
  })
})

describe('processIdentity', () => {
  it('stays the same for a living process, differs between two, and is undefined for a dead one', async () => {
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
  it('gives a folder to one owner, names it to the next, and to the next after its release', async () => {
    const first = await lockFolder(dir)
    await expect(lockFolder(dir)).rejects.toThrow(`${dir} is in use by another Trainyard (process ${process.pid})`)
    await first.release()
    const second = await lockFolder(dir)
    await second.release()
    expect(await readdir(dir)).toEqual([])
  })

  it.each([
    ['of a process that is dead', JSON.stringify({ pid: 2 ** 30, identity: 'x', nonce: 'n' })],
    ['of a living process that started later', JSON.stringify({ pid: process.pid, identity: 'earlier', nonce: 'n' })],
    ['torn by a crash', '{"pid":'],
  ])('breaks a lock %s', async (_, content) => {
    await writeFile(join(dir, 'trainyard.lock'), content)
    const lock = await lockFolder(dir)
    await lock.release()
    expect(await readdir(dir)).toEqual([])
  })

  it('has one winner when many find the same dead lock, and leaves nothing else behind', async () => {
    for (let round = 0; round < 25; round++) {
      const place = join(dir, String(round))
      await mkdir(place)
      await writeFile(join(place, 'trainyard.lock'), JSON.stringify({ pid: 2 ** 30, identity: 'x', nonce: 'n' }))
      const results = await Promise.allSettled(Array.from({ length: 16 }, () => lockFolder(place)))
      expect(results.filter(({ status }) => status === 'fulfilled').length).toBe(1)
      expect(await readdir(place)).toEqual(['trainyard.lock'])
    }
  })

  it('breaks the lock of the dead although the one who began to break it died too', async () => {
    const dead = { pid: 2 ** 30, identity: 'x', nonce: 'n' }
    await writeFile(join(dir, 'trainyard.lock'), JSON.stringify(dead))
    const right = createHash('sha256').update('n').digest('hex').slice(0, 24)
    await writeFile(join(dir, `trainyard.lock.${right}`), JSON.stringify({ ...dead, nonce: 'm' }))
    await lockFolder(dir)
    expect(await readdir(dir)).toEqual(['trainyard.lock'])
  })
})

describe('ensureWritableFolder', () => {
  it('makes the folder and leaves nothing in it', async () => {
    await ensureWritableFolder(join(dir, 'a/b'), 'the data folder')
    expect((await stat(join(dir, 'a/b'))).isDirectory()).toBe(true)
    expect(await readdir(join(dir, 'a/b'))).toEqual([])
  })

  it('says what is in the way when a part of the path is a file', async () => {
    await writeFile(join(dir, 'file'), '')
    await expect(ensureWritableFolder(join(dir, 'file/b'), 'the data folder (DATA_DIR)')).rejects.toThrow(
      /file\/b cannot be used as the data folder \(DATA_DIR\): a part of that path is a file/,
    )
  })

  it.skipIf(process.getuid?.() === 0)('says so when this user may not write there (not as root, who may)', async () => {
    await mkdir(join(dir, 'closed'))
    await chmod(join(dir, 'closed'), 0o500)
    await expect(ensureWritableFolder(join(dir, 'closed'), 'it')).rejects.toThrow(
      /may not write there; change its owner/,
    )
  })
})

describe('fakeClock', () => {
  it('runs timers in their order when it is moved, and not those that were cancelled', () => {
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
