import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { IntakeFull } from '../errors.ts'
import type { ParsedBatch } from '../journal/parse-events.ts'
import type { IntakeBatch } from './intake-batch.ts'
import { IntakeQueue, type IntakeQueueOptions } from './intake-queue.ts'
import type { StoreEventsResult } from './store-events.ts'

function batchOf(first: number, last: number): ParsedBatch {
  const events = Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => ({
    seq: first + index,
    type: 'started',
    time: null,
    body: { seq: first + index },
    rejected: null,
  }))
  return { events, metrics: [], logs: [], progress: {}, latestMetrics: {}, terminal: undefined, rejected: [] }
}

function input(jobId: number, first: number, last: number): IntakeBatch {
  const events = first === 0 ? batchOf(1, 0) : batchOf(first, last)
  return { jobId, attempt: 1, channel: 'journal', first, last, batch: events }
}

/** Applies batches as the database does. */
function fakeStore(options: Partial<IntakeQueueOptions> & { delayMs?: number; refuse?: number } = {}) {
  const held = new Map<number, number[]>()
  const statements: number[][] = []
  const apply = ({ jobId, first, last, batch }: IntakeBatch): StoreEventsResult => {
    const seqs = held.get(jobId) ?? []
    const lastSeq = seqs.at(-1) ?? 0
    const applied = lastSeq >= first - 1
    if (applied)
      held.set(jobId, [...seqs, ...batch.events.map(({ seq }) => seq).filter((seq) => seq > lastSeq && seq <= last)])
    return {
      applied,
      lastSeq,
      currentAttempt: 1,
      state: 'running',
      channel: 'journal',
      closed: false,
      endReason: null,
      stopReason: null,
    }
  }
  const run = async (inputs: readonly IntakeBatch[]) => {
    statements.push(inputs.map(({ jobId }) => jobId))
    await sleep(options.delayMs ?? 1)
    if (inputs.some(({ jobId }) => jobId === options.refuse)) throw new Error('refused by the database')
    return inputs.map(apply)
  }
  const alone: number[] = []
  const queue = new IntakeQueue({
    storeTogether: ({ inputs }) => run(inputs),
    async storeAlone({ inputs }) {
      alone.push(...inputs.map(({ jobId }) => jobId))
      return (await run(inputs))[0]
    },
    overtakenMs: 300,
    ...options,
  })
  return { queue, held, statements, alone }
}

describe('the intake queue', () => {
  it('stores batches of many attempts in few statements', async () => {
    const { queue, held, statements } = fakeStore()
    await Promise.all(Array.from({ length: 100 }, (_, index) => queue.store(input(index + 1, 1, 3))))
    expect(statements.length).toBeLessThan(10)
    expect([...held.values()]).toEqual(Array.from({ length: 100 }, () => [1, 2, 3]))
  })

  it('stores the batches of one attempt in order and each event once, in whatever order they arrive', async () => {
    const { queue, held } = fakeStore()
    const firsts = [9, 5, 1, 7, 3, 3, 11, 1]
    const answers = await Promise.all(firsts.map((first) => queue.store(input(1, first, first + 1))))
    expect(held.get(1)).toEqual(Array.from({ length: 12 }, (_, index) => index + 1))
    expect(answers.every((answer) => answer?.applied)).toBe(true)
  })

  it('waits briefly for a batch that was overtaken, then reports what is missing', async () => {
    const { queue, held } = fakeStore()
    const late = queue.store(input(1, 3, 4))
    await sleep(50)
    await queue.store(input(1, 1, 2))
    expect(await late).toMatchObject({ applied: true, lastSeq: 2 })
    expect(held.get(1)).toEqual([1, 2, 3, 4])
    expect(await queue.store(input(1, 9, 9))).toMatchObject({ applied: false, lastSeq: 4 })
  })

  it('does not send a batch to the database while the one before it is known to be missing', async () => {
    const { queue, held, statements } = fakeStore({ delayMs: 30, overtakenMs: 5000 })
    const first = queue.store(input(1, 1, 2))
    await sleep(1)
    const third = queue.store(input(1, 5, 6))
    await first
    await sleep(60)
    const second = queue.store(input(1, 3, 4))
    expect(await Promise.all([second, third])).toMatchObject([{ applied: true }, { applied: true }])
    expect(held.get(1)).toEqual([1, 2, 3, 4, 5, 6])
    expect(statements).toEqual([[1], [1]])
  })

  it('reports what is stored without delay for a batch with a gap inside', async () => {
    const { queue } = fakeStore({ delayMs: 30, overtakenMs: 5000 })
    const begun = performance.now()
    const first = queue.store(input(1, 1, 2))
    await sleep(1)
    const hole = { ...input(1, 0, 0), first: Number.MAX_SAFE_INTEGER }
    expect(await queue.store(hole)).toMatchObject({ applied: false, lastSeq: 2 })
    expect(performance.now() - begun).toBeLessThan(2500)
    await first
  })

  it('lets a large batch wait for locks instead of skipping it', async () => {
    const { queue, alone } = fakeStore({ rowsAlone: 50 })
    await queue.store(input(1, 1, 20))
    expect(alone).toEqual([])
    await queue.store(input(1, 21, 80))
    expect(alone).toEqual([1])
  })

  it('lets a heartbeat pass while a batch waits for another', async () => {
    const { queue } = fakeStore({ overtakenMs: 2000 })
    const begun = performance.now()
    const waiting = queue.store(input(1, 9, 9))
    await sleep(20)
    expect(await queue.store(input(1, 0, 0))).toMatchObject({ applied: true })
    expect(performance.now() - begun).toBeLessThan(1500)
    expect(await waiting).toMatchObject({ applied: false })
  })

  it('stores the other batches when the database rejects one', async () => {
    const { queue, held } = fakeStore({ refuse: 3 })
    const outcomes = await Promise.allSettled([1, 2, 3, 4].map((jobId) => queue.store(input(jobId, 1, 1))))
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
    expect([...held.keys()].sort()).toEqual([1, 2, 4])
  })

  it('rejects batches while it is full and accepts them again later', async () => {
    const { queue } = fakeStore({ maxWaitingRows: 10, delayMs: 30 })
    const first = queue.store(input(1, 1, 8))
    expect(queue.pressure).toBeGreaterThan(0.8)
    await expect(queue.store(input(2, 1, 8))).rejects.toBeInstanceOf(IntakeFull)
    await first
    expect(queue.pressure).toBe(0)
    expect(await queue.store(input(2, 1, 8))).toMatchObject({ applied: true })
  })
})
