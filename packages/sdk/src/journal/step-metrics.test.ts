import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createTokenSource } from '../http/token-source.ts'
import { Journal } from './journal.ts'
import { openSpool } from './spool.ts'
import { StepMetrics } from './step-metrics.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'trainyard-steps-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

/** A journal with a manual clock, whose platform never responds. */
function openJournal(clock: { ms: number }, holdMs?: number): Journal {
  const never = () => new Promise<never>(() => {})
  return new Journal({
    api: { once: never, call: never },
    token: createTokenSource({ token: 'token' }),
    attempt: 1,
    spoolFile: join(dir, 'spool'),
    now: () => clock.ms,
    holdMs,
  })
}

/** What a `kill -9` would leave now: the types of events, or the numbers of steps. */
function inSpool(): (string | number)[] {
  const copy = join(dir, 'copy')
  execFileSync('cp', [join(dir, 'spool'), copy])
  const { spool, records } = openSpool(copy)
  spool.close()
  return records.flatMap((record) => {
    if (record.op !== 'event') return []
    const { type, step } = JSON.parse(record.json) as { type: string; step?: number }
    return [step ?? type]
  })
}

const step = (number: number, epoch = 1) => ({ type: 'progress', epoch, step: number, metrics: { loss: 1 } }) as const

describe('metrics of single steps', () => {
  it('are written together in a fast loop, and always before later events', async () => {
    const clock = { ms: 1_000_000 }
    const journal = openJournal(clock, 3_600_000)
    journal.append({ type: 'started' })
    // The first of an epoch is never dropped and never held.
    for (let number = 1; number <= 4; number++) journal.append(step(number))
    expect(inSpool()).toEqual(['started', 1, 2])
    journal.append({ type: 'validation', primary: { name: 'f1', value: 1, goal: 'maximize' }, metrics: {} })
    expect(inSpool()).toEqual(['started', 1, 2, 3, 4, 'validation'])
    for (let number = 5; number <= 6; number++) journal.append(step(number))
    journal.append({ type: 'progress', epoch: 2, metrics: { loss: 1 } })
    expect(inSpool().slice(6)).toEqual([5, 6, 'progress'])
    journal.append(step(7, 2))
    expect(journal.pending).toBe(10)
    const { unacknowledged } = await journal.close({ timeoutMs: 1 })
    expect(unacknowledged).toBe(10)
    expect(inSpool().at(-1)).toBe(7)
  })

  it('are written at once in a loop that reports less often than ten times a second', async () => {
    const clock = { ms: 1_000_000 }
    const journal = openJournal(clock)
    for (let number = 1; number <= 5; number++) {
      journal.append(step(number))
      expect(inSpool()).toHaveLength(number)
      clock.ms += 100
    }
    await journal.close({ timeoutMs: 1 })
  })

  it('keep the time at which they happened', async () => {
    const clock = { ms: 1_000_000 }
    const journal = openJournal(clock)
    for (let number = 1; number <= 4; number++) {
      journal.append(step(number))
      clock.ms += 10
    }
    await journal.close({ timeoutMs: 1 })
    const times = [...readFileSync(join(dir, 'spool'), 'utf8').matchAll(/"time":"([^"]+)"/g)]
    expect(times.map(([, time]) => Date.parse(time ?? '') - 1_000_000)).toEqual([0, 10, 20, 30])
  })

  it('are written in time when no timer runs, when no event follows, and after the clock was set back', async () => {
    const written: number[] = []
    let time = 1_000_000
    const steps = new StepMetrics({ holdMs: 50, write: (held) => written.push(held.length) })
    const add = (ms: number) => {
      time += ms
      steps.add({ event: { type: 'progress', step: 1 }, time })
    }
    for (let count = 0; count < 11; count++) add(10)
    expect(written).toEqual([1, 5, 5])
    add(-40_000)
    expect(written).toEqual([1, 5, 5, 1])
    add(1)
    await expect.poll(() => written, { timeout: 60_000 }).toEqual([1, 5, 5, 1, 1])
    for (let count = 0; count < 401; count++) add(0)
    steps.write()
    expect(written.slice(5)).toEqual([200, 200, 1])
  })

  it('are written when the process exits without closing the journal; only a kill -9 loses them', () => {
    const program = `
      import { Journal } from ${JSON.stringify(join(import.meta.dirname, 'journal.ts'))}
      const never = () => new Promise(() => {})
      const token = { current: () => '', adopt() {}, replace: () => false, hasFile: false }
      const spoolFile = ${JSON.stringify(join(dir, 'spool'))}
      const journal = new Journal({ api: { once: never, call: never }, token, attempt: 1, spoolFile, holdMs: 3_600_000 })
      for (let step = 1; step <= 9; step++) journal.append({ type: 'progress', epoch: 1, step })
      if (process.env.END === 'exit') process.exit(0)
      if (process.env.END === 'kill') process.kill(process.pid, 'SIGKILL')`
    const run = (end: string) =>
      execFileSync(process.execPath, ['--conditions=trainyard-source', '--input-type=module', '--eval', program], {
        env: { ...process.env, END: end },
      })
    run('return')
    expect(inSpool()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
    rmSync(join(dir, 'spool'))
    run('exit')
    expect(inSpool()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
    rmSync(join(dir, 'spool'))
    expect(() => run('kill')).toThrow()
    expect(inSpool()).toEqual([1, 2])
  })
})
