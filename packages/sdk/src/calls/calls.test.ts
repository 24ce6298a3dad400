import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CallbackServer, createEnvironment, startCallbackServer } from '@trainyard/datasets/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  ConfigError,
  DatasetError,
  flushLogs,
  getBasicConfig,
  log,
  logError,
  logEvent,
  reportCompleted,
  reportFailed,
  reportProgress,
  reportStarted,
  reportValidation,
  uploadCheckpoint,
  uploadFile,
} from '../index.ts'

let platform: CallbackServer
let dir: string
beforeEach(async () => {
  platform = await startCallbackServer()
  dir = mkdtempSync(join(tmpdir(), 'trainyard-calls-'))
  vi.spyOn(process.stdout, 'write').mockReturnValue(true)
})
afterEach(async () => {
  vi.restoreAllMocks()
  process.exitCode = undefined
  await platform.close()
  rmSync(dir, { recursive: true, force: true })
})

describe('the plain calls', () => {
  it('report a training with its own loop', async () => {
    const env = createEnvironment(platform.url, dir)
    expect((await getBasicConfig(env)).epochs).toBe(3)
    const job = await reportStarted({ env })
    log('hello', { answer: 42 })
    logEvent('early-stop', 'no progress', { level: 'warning' })
    expect(await flushLogs()).toBe(true)
    expect(platform.events.map(({ type }) => type)).toEqual(['started', 'log', 'log'])

    writeFileSync(join(dir, 'best.bin'), 'weights')
    reportProgress({ epoch: 1, metrics: { loss: 0.5 } })
    reportValidation({ metrics: { top1_accuracy: 0.9 } })
    await uploadCheckpoint('best', join(dir, 'best.bin'), { epoch: 1 })
    await uploadFile('plot', join(dir, 'best.bin'), { name: 'plots/loss.png' })
    expect(await reportCompleted({ metrics: { top1_accuracy: 0.9 } })).toBe(true)
    expect(platform.events.slice(3).map(({ type }) => type)).toEqual([
      'progress',
      'validation',
      'checkpoint',
      'artifact',
      'completed',
    ])
    expect(job.signal.aborted).toBe(false)
  })

  it('report a failure with its exit code', async () => {
    await reportStarted({ env: createEnvironment(platform.url, dir) })
    logError('it goes wrong')
    expect(await reportFailed(new DatasetError('No images'))).toBe(true)
    expect(platform.events.at(-1)).toMatchObject({ type: 'failed', errorType: 'DatasetError', message: 'No images' })
    expect(process.exitCode).toBe(3)
  })

  it('name the missing call when no job has started', () => {
    expect(() => reportProgress({ epoch: 1 })).toThrow(ConfigError)
    expect(() => reportProgress({ epoch: 1 })).toThrow(/call `await reportStarted\(\)` first/)
    expect(() => log('to the console')).not.toThrow()
  })
})
