import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CheckResult } from '@trainyard/contract'
import { createLogger } from '@trainyard/platform'
import { testDatabaseUrl } from '@trainyard/platform/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { trainerManifest } from '../testing/harness.ts'
import { createForkValidate } from './fork-validate.ts'

const logger = createLogger({ name: 'test', level: 'silent' })
const fixture = (name: string) => new URL(`./fixtures/${name}.mjs`, import.meta.url)

describe('validating in a forked process', () => {
  let dir: string
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'trainyard-fork-'))
    await mkdir(join(dir, 'trainer'))
    await writeFile(join(dir, 'trainer', 'trainer.json'), JSON.stringify(trainerManifest('acme/forked', '1.0.0')))
  })
  afterAll(() => rm(dir, { recursive: true, force: true }))

  it('returns the report of the real validator', async () => {
    const validate = createForkValidate({ logger, databaseUrl: testDatabaseUrl(), timeoutMs: 60_000 })
    const seen: CheckResult[] = []
    const report = await validate({
      dir: join(dir, 'trainer'),
      phases: ['static', 'security'],
      signal: new AbortController().signal,
      onCheck: (check) => seen.push(check),
    })
    // The entry point train.js is missing.
    expect(report).toMatchObject({ verdict: 'failed', profile: 'marketplace' })
    expect(seen.some(({ status }) => status === 'failed')).toBe(true)
  })

  it('kills a worker that does not stop, together with its child processes', async () => {
    const validate = createForkValidate({
      logger,
      databaseUrl: 'postgres://nowhere',
      timeoutMs: 60_000,
      graceMs: 100,
      workerUrl: fixture('worker-stubborn'),
    })
    const stop = new AbortController()
    let child = 0
    const ended = validate({
      dir,
      phases: ['static'],
      signal: stop.signal,
      onCheck: ({ reason }) => {
        child = Number(reason)
        stop.abort()
      },
    })
    await expect(ended).rejects.toThrow('the checks were stopped')
    expect(child).toBeGreaterThan(0)
    await expect.poll(() => isAlive(child), { timeout: 60_000 }).toBe(false)
  })

  it('kills trainers that have their own session, even if the worker was killed', async () => {
    const validate = createForkValidate({
      logger,
      databaseUrl: 'postgres://nowhere',
      timeoutMs: 60_000,
      workerUrl: fixture('worker-strays'),
    })
    let stray = 0
    const ended = validate({
      dir,
      phases: ['static'],
      signal: new AbortController().signal,
      onCheck: ({ reason }) => {
        stray = Number(reason)
      },
    })
    await expect(ended).rejects.toThrow('the worker ended with SIGKILL before it reported, 2 times')
    expect(stray).toBeGreaterThan(0)
    await expect.poll(() => isAlive(stray), { timeout: 60_000 }).toBe(false)
  })

  it('kills a worker whose child processes use too much memory', async () => {
    const validate = createForkValidate({
      logger,
      databaseUrl: 'postgres://nowhere',
      timeoutMs: 60_000,
      memoryBytes: 400 * 1024 * 1024,
      workerUrl: fixture('worker-greedy'),
    })
    const ended = validate({ dir, phases: ['static'], signal: new AbortController().signal, onCheck: () => {} })
    await expect(ended).rejects.toThrow('the checks used more than 400 MiB of memory')
  })

  it('starts another worker after the first one was killed', async () => {
    const validate = createForkValidate({
      logger,
      databaseUrl: join(dir, 'was-killed'),
      timeoutMs: 60_000,
      workerUrl: fixture('worker-killed-once'),
    })
    const report = await validate({
      dir,
      phases: ['static'],
      signal: new AbortController().signal,
      onCheck: () => {},
    })
    expect(report.verdict).toBe('passed')
  })

  it('reports how a worker ended that sent no report', async () => {
    const validate = createForkValidate({
      logger,
      databaseUrl: 'postgres://nowhere',
      timeoutMs: 60_000,
      workerUrl: fixture('worker-crash'),
    })
    const ended = validate({ dir, phases: ['static'], signal: new AbortController().signal, onCheck: () => {} })
    await expect(ended).rejects.toThrow('the worker ended with code 137 before it reported')
  })
})

/** A zombie counts as dead: in some containers no process reaps it. */
async function isAlive(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return !/\) Z /.test(stat)
}
