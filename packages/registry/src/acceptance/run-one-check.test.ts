import type { Finding } from '@trainyard/contract'
import { createLogger, systemClock } from '@trainyard/platform'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createHarness, type Harness } from '../testing/harness.ts'
import { createCheckPolicy } from '../versions/check-policy.ts'
import { waitingResults } from '../versions/check-results.ts'
import { CheckProgress } from './check-progress.ts'
import type { AcceptanceCheck, CheckInput } from './checks/check.ts'
import type { ClaimedCheck } from './claim-check.ts'
import { runOneCheck } from './run-one-check.ts'
import type { Suppress } from './suppressions.ts'

const finding = (fingerprint: string, severity: Finding['severity'] = 'warning'): Finding => ({
  code: 'TY301',
  severity,
  message: 'a key',
  fingerprint,
  help: 'remove it',
  docsUrl: 'https://example.org',
})

const suppress: Suppress = (_check, each) => each

describe('one check', () => {
  let harness: Harness
  beforeAll(async () => {
    harness = await createHarness()
  })
  afterAll(() => harness.close())

  async function run(
    runCheck: AcceptanceCheck['run'],
    { timeoutMs = 60_000, signal = new AbortController().signal } = {},
  ) {
    const context = {
      ...harness.registry.context,
      clock: systemClock,
      logger: createLogger({ name: 'test', level: 'silent' }),
    }
    // Nothing is stored for a lease that does not exist.
    const part = { id: 'chk_none', leaseOwner: 'none', kind: 'image' } as ClaimedCheck
    const progress = new CheckProgress(context, part, waitingResults('image', createCheckPolicy()))
    const input = { context, part, earlier: [], manifest: {}, dir: '' } as Partial<CheckInput> as CheckInput
    await runOneCheck({
      check: { name: 'malware', run: runCheck },
      input,
      progress,
      timeoutMs,
      graceMs: 20,
      signal,
      suppress,
    })
    await progress.saved()
    return progress.resultOf('malware')
  }

  it('shows what it has found while it runs', async () => {
    const seen: unknown[] = []
    const context = harness.registry.context
    const part = { id: 'chk_none', leaseOwner: 'none', kind: 'image' } as ClaimedCheck
    const progress = new CheckProgress(context, part, waitingResults('image'))
    const input = { context, part } as Partial<CheckInput> as CheckInput
    const check: AcceptanceCheck = {
      name: 'malware',
      async run(_input, reporter) {
        const show = () => {
          const { status, progress: advanced, findings } = progress.resultOf('malware')
          seen.push([status, advanced?.done, findings.length])
        }
        show()
        reporter.found(finding('a'))
        show()
        reporter.advanced({ done: 5, total: 9, unit: 'bytes' })
        reporter.found(finding('b'), finding('a'))
        show()
        return { outcome: 'done' }
      },
    }
    await runOneCheck({ check, input, progress, timeoutMs: 60_000, suppress, signal: new AbortController().signal })
    expect(seen).toEqual([
      ['running', undefined, 0],
      ['running', undefined, 1],
      ['running', 5, 2],
    ])
    expect(progress.resultOf('malware')).toMatchObject({ status: 'passed', findings: [{}, {}] })
    expect(progress.resultOf('malware')).not.toHaveProperty('progress')
  })

  it('fails for any error among its findings, however it ends', async () => {
    const findings = [finding('a', 'error')]
    expect((await run(async () => ({ outcome: 'done', findings }))).status).toBe('failed')
    expect((await run(async () => ({ outcome: 'skipped', reason: 'half of it', findings }))).status).toBe('failed')
    expect((await run(async () => ({ outcome: 'errored', reason: 'half of it', findings }))).status).toBe('failed')
    expect((await run(async () => ({ outcome: 'done', findings: [finding('a')] }))).status).toBe('passed')
  })

  it('has errored at its time limit, whether it stops or not', async () => {
    const stops: AcceptanceCheck['run'] = (_input, _reporter, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    const reason = 'not finished after 0.02 s, its time limit'
    expect(await run(stops, { timeoutMs: 20 })).toMatchObject({ status: 'errored', reason, fault: undefined })
    const hangs: AcceptanceCheck['run'] = () => new Promise(() => {})
    expect(await run(hangs, { timeoutMs: 20 })).toMatchObject({ status: 'errored', reason })
  }, 60_000)

  it('blames the platform for an exception, but not for a stop', async () => {
    const fails = async () => Promise.reject(new Error('no socket'))
    expect(await run(fails)).toMatchObject({ status: 'errored', reason: 'no socket', fault: 'platform' })
    const stop = new AbortController()
    stop.abort(new Error('the registry stops'))
    await expect(run(fails, { signal: stop.signal })).rejects.toThrow('the registry stops')
  })
})
