import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type CallbackServer, createEnvironment, startCallbackServer } from '@trainyard/datasets/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

let platform: CallbackServer
let dir: string
beforeEach(async () => {
  platform = await startCallbackServer()
  dir = mkdtempSync(join(tmpdir(), 'trainyard-faulty-'))
})
afterEach(async () => {
  await platform.close()
  rmSync(dir, { recursive: true, force: true })
})

function run(mode: string, env: Record<string, string> = {}) {
  const program = fileURLToPath(new URL('../testing/faulty-trainer.ts', import.meta.url))
  const child = spawn(process.execPath, ['--conditions=trainyard-source', program], {
    env: { PATH: process.env.PATH ?? '', ...createEnvironment(platform.url, dir), MODE: mode, ...env },
    cwd: dir,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const collect = (chunk: Buffer) => {
    output += chunk.toString()
  }
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  return new Promise<{ code: number | null; signal: string | null; output: string }>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, output }))
  })
}

const types = () => platform.events.map(({ type }) => type)
const last = () => platform.events.at(-1)
const logs = () => platform.events.filter(({ type }) => type === 'log').map(({ message }) => String(message))
const epochs = () => platform.events.filter(({ type }) => type === 'progress').length

describe('a job whose trainer does not await a call', () => {
  it('completes after the checkpoint has arrived', async () => {
    const { code, output } = await run('not-awaited')
    expect({ code, types: types() }, output).toEqual({ code: 0, types: ['started', 'checkpoint', 'completed'] })
    expect(last()?.result).toMatchObject({ checkpointIds: ['a1'] })
    expect(platform.artifacts.get('a1')?.bytes.toString()).toBe('weights')
  })

  it('fails and names the call when the checkpoint cannot be saved', async () => {
    const { code } = await run('not-awaited-missing')
    expect(code).toBe(1)
    expect(last()).toMatchObject({ type: 'failed', errorType: 'CheckpointError' })
    expect(last()?.message).toMatch(
      /^job\.checkpoint\("best", "no-such-file\.bin"\): .*does not exist.*\(the trainer did not await it\)$/,
    )
  })

  it('completes when the trainer awaits the call later and catches its error', async () => {
    const { code } = await run('awaited-late')
    expect({ code, logs: logs() }).toEqual({ code: 0, logs: ['caught CheckpointError'] })
  })
})

describe('a job whose process ends in the middle', () => {
  it.each(['throws', 'rejects'])('reports everything before its error (%s)', async (mode) => {
    const { code, output } = await run(mode)
    expect(code).toBe(1)
    expect(epochs()).toBe(30)
    expect(logs()).toContain('about to die')
    expect(last()).toMatchObject({ type: 'failed', errorType: 'UnknownError', message: 'out of order' })
    expect(last()?.traceback).toContain('faulty-trainer')
    // Node's own report of the crash.
    expect(output).toMatch(/Error: out of order\n {4}at /)
  })

  it.each([
    ['exits', 1, null],
    ['kills-itself', null, 'SIGKILL'],
  ])('has everything in its spool (%s)', async (mode, code, signal) => {
    expect(await run(mode)).toMatchObject({ code, signal })
    const spool = readFileSync(join(dir, 'work/.trainyard/journal-1.spool'), 'utf8')
    expect(spool.match(/"type":"progress"/g)).toHaveLength(30)
    expect(spool).toContain('about to die')
    expect(spool.includes('The process exited with code 1 before the job had ended')).toBe(code === 1)
  })
})

describe('an attempt', () => {
  it.each(['forks', 'starts-a-thread'])('has one owner when its trainer %s', async (mode) => {
    const { code, output } = await run(mode)
    expect(code, output).toBe(0)
    expect(output).toMatch(/ERROR: This process does not run the job: .*process.* already runs attempt 1 of this job/)
    expect(logs()).toEqual(['child exited with 3'])
    expect(types()).toEqual(['started', 'log', 'completed'])
  })

  it('has one owner when a handler calls runTrainer', async () => {
    expect((await run('runs-twice')).code).toBe(0)
    expect(types()).toEqual(['started', 'log', 'completed'])
    expect(logs()).toEqual(['second run: 3'])
  })

  it('is not run a second time after it has ended', async () => {
    const { output } = await run('again-afterwards')
    expect(output).toContain('attempt 1 of this job has already ended')
    expect(output).toContain('again: 3 after 0')
    expect(types()).toEqual(['started', 'completed'])
  })

  it('is not taken over by a program under `trainyard exec`', async () => {
    const { code, output } = await run('infinite-metric', { CALLBACK_URL: '', TRAINYARD_JOB_FILE: '/job.json' })
    expect(code).toBe(3)
    expect(output).toContain('this program runs under `trainyard exec`')
  })
})

describe('values that are not finite', () => {
  it('fail the job when they are a loss', async () => {
    expect((await run('infinite')).code).toBe(1)
    expect(last()).toMatchObject({ type: 'failed', errorType: 'ValidationError', retryable: false })
    expect(last()?.message).toMatch(/^Metric "loss" is Infinity in epoch 1; expected a number/)
  })

  it('are stored as they are when they are another metric', async () => {
    expect((await run('infinite-metric')).code).toBe(0)
    const metrics = { ratio: 'Infinity', gain: 'NaN' }
    expect(platform.events.filter((event) => event.metrics !== undefined)).toEqual([
      expect.objectContaining({ type: 'progress', metrics }),
      expect.objectContaining({ type: 'validation', metrics, primary: expect.objectContaining({ value: 'Infinity' }) }),
    ])
  })
})

it('a handler that throws an object without a text fails the job', async () => {
  const { code, output } = await run('throws-an-object')
  expect({ code, types: types() }, output).toEqual({ code: 1, types: ['started', 'log', 'failed'] })
  expect(last()?.message).toBe('An object without a text was thrown')
})

it('a handler that returns something else than an object fails the job', async () => {
  expect((await run('returns-text')).code).toBe(1)
  expect(last()?.message).toBe('The handler train returned "done"; expected an object or nothing')
})
