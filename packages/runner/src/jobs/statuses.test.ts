import { END_REASONS, type EndReason } from '@trainyard/contract'
import { describe, expect, it } from 'vitest'
import { canMove, decideRetry, endOfExit, retryDelayMs } from './statuses.ts'

const retry = (reason: EndReason, over = {}) =>
  decideRetry({
    reason,
    retryable: true,
    cancelRequested: false,
    countedRetries: 0,
    maxRetries: 1,
    freeRetries: 0,
    maxFreeRetries: 2,
    ...over,
  })

describe('job states', () => {
  it('do not move back within an attempt', () => {
    expect(canMove('running', 'queued')).toBe(false)
    expect(canMove('succeeded', 'failed')).toBe(false)
    expect(canMove('queued', 'running')).toBe(true)
  })

  it('are retried according to the table of the contract', () => {
    for (const [reason, rule] of Object.entries(END_REASONS))
      expect(retry(reason as EndReason)).toBe(rule.retry === 'never' ? 'none' : rule.retry)
  })

  it('are not retried beyond the limit, after a cancel, or after a permanent failure', () => {
    expect(retry('training_error', { countedRetries: 1 })).toBe('none')
    expect(retry('training_error', { cancelRequested: true })).toBe('none')
    expect(retry('training_error', { retryable: false })).toBe('none')
  })

  it('are charged for free retries beyond the limit', () => {
    expect(retry('node_lost', { freeRetries: 2 })).toBe('counted')
    expect(retry('node_lost', { freeRetries: 2, countedRetries: 1 })).toBe('none')
  })

  it('wait longer before each retry, up to a limit, with jitter between half and all of the pause', () => {
    const delay = (retries: number, random: number) =>
      retryDelayMs(retries, { firstSeconds: 5, maxSeconds: 60, random: () => random })
    expect([0, 1, 2, 3, 50].map((retries) => delay(retries, 1))).toEqual([5000, 10_000, 20_000, 40_000, 60_000])
    expect(delay(0, 0)).toBe(2500)
  })

  it.each([
    [{ exitCode: 0 }, 'exited_without_result'],
    [{ exitCode: 1 }, 'training_error'],
    [{ exitCode: 2 }, 'platform_unreachable'],
    [{ exitCode: 3 }, 'config_error'],
    [{ exitCode: 139, signal: 'SIGSEGV' }, 'training_error'],
    [{ exitCode: 137, signal: 'SIGKILL', reason: 'out_of_memory' as const }, 'out_of_memory'],
    [{ exitCode: 143, stopReason: 'cancelled' as const }, 'cancelled_by_user'],
    [{ exitCode: 0, stopReason: 'deadline' as const }, 'deadline'],
  ])('end with exit %j as %s', (exit, reason) => {
    expect(endOfExit({ stopReason: null, ...exit }).reason).toBe(reason)
  })
})
