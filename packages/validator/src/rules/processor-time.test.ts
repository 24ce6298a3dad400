import type { StoredEvent } from '@trainyard/contract'
import { describe, expect, test } from 'vitest'
import type { ComplianceRecord, OperationRecord } from '../compliance/record.ts'
import type { Moment } from '../compliance/watch-processes.ts'
import { runRule } from '../rule.ts'
import { trainingComputes } from './training-computes.ts'
import { worksAfterEnd } from './works-after-end.ts'

const START = Date.parse('2026-01-01T00:00:00Z')
const event = (type: string, atMs: number, body: Record<string, unknown> = {}): StoredEvent => ({
  attempt: 1,
  seq: 1,
  type,
  receivedAt: new Date(START + atMs).toISOString(),
  body,
})

interface Seen {
  /** How far apart the moments are. Default: 100. */
  stepMs?: number
  /** From one moment to the next. */
  cpuMs: (index: number) => number
  isActive?: (index: number) => boolean
  /** From one moment to the next. */
  waitedMs?: (index: number) => number
  requests?: OperationRecord['requests']
  gpu?: number
}

/** A training with two epochs, from 1 s to 5 s, and an end at 6 s; its processes are seen until 10 s. */
function record(seen: Seen): ComplianceRecord {
  const { stepMs = 100, cpuMs, isActive = () => false, waitedMs = () => 0, requests = [], gpu } = seen
  let used = 0
  let waited = 0
  const moments: Moment[] = Array.from({ length: 10_000 / stepMs }, (_, index) => {
    used += cpuMs(index)
    waited += waitedMs(index)
    const active = isActive(index)
    const at = START + index * stepMs
    return { at, busyThreads: active ? 1 : 0, isActive: active, cpuMs: used, waitedMs: waited }
  })
  const events = [
    event('started', 500),
    event('progress', 1000, { epoch: 1 }),
    event('validation', 5000, { epoch: 2 }),
    event('completed', 6000),
  ]
  const run = { operation: 'train', purpose: 'plain', job: { state: 'succeeded' }, events, requests } as const
  const operation = { ...run, processes: { moments, detached: [], unreachable: undefined } }
  return { manifest: { resources: { gpu } }, operations: [operation] } as unknown as ComplianceRecord
}

describe('a training', () => {
  const found = async (seen: Seen) => (await runRule(trainingComputes, record(seen))).map(({ message }) => message)

  test('that waits is found', async () => {
    const [message] = await found({ cpuMs: () => 1 })
    expect(message).toContain('4.0 s passed, in which the trainer computed nothing and requested nothing for 4.0 s')
  })
  test('that waits is found on a busy machine, where moments are far apart and lie beside its epochs', async () => {
    const [message] = await found({ stepMs: 1700, cpuMs: () => 1 })
    expect(message).toContain('requested nothing for 4.0 s')
  })
  test('that reads its clock again and again is found on a busy machine too, where it waits for a processor each time', async () => {
    expect(await found({ cpuMs: () => 1, waitedMs: () => 60 })).toHaveLength(1)
  })
  test.each<[string, Seen]>([
    ['computes', { cpuMs: () => 60 }],
    ['has to share its processor with many others', { cpuMs: () => 2, isActive: () => true }],
    ['gets a twentieth of a processor', { cpuMs: (index) => (index % 2 === 0 ? 10 : 0), waitedMs: () => 95 }],
    [
      'waits for a processor for seconds at a time, which the kernel adds at the end of each wait',
      { cpuMs: (index) => (index % 20 === 0 ? 100 : 0), waitedMs: (index) => (index % 20 === 0 ? 1900 : 0) },
    ],
    ['computes in many threads that wait for each other', { cpuMs: () => 20, waitedMs: () => 400 }],
    ['computes in every second moment', { cpuMs: (index) => (index % 2) * 100 }],
    ['waits for the platform', { cpuMs: () => 0, requests: [{ summary: 'GET /', from: START, to: START + 5000 }] }],
    ['uses a GPU', { cpuMs: () => 0, gpu: 1 }],
  ])('that %s is not accused', async (_name, seen) => {
    expect(await found(seen)).toEqual([])
  })
})

describe('after its terminal event, a trainer', () => {
  const found = async (seen: Seen) => (await runRule(worksAfterEnd, record(seen))).map(({ message }) => message)

  test('that computes is found', async () => {
    expect(await found({ cpuMs: () => 100 })).toEqual([
      'train: after its terminal event, the trainer used 3.9 s of processor time',
    ])
  })
  test('that requests something is found, unless it sends events', async () => {
    const late = (summary: string) => [{ summary, from: START + 7000, to: START + 7100 }]
    expect(await found({ cpuMs: () => 1, requests: late('GET /v1/jobs/1/dataset') })).toHaveLength(1)
    expect(await found({ cpuMs: () => 1, requests: late('POST /v1/jobs/1/events') })).toEqual([])
  })
  test('is not accused of work in seconds before it that nothing measured', async () => {
    const whole = record({ cpuMs: (index) => (index > 60 ? 0 : 100) })
    const operations = whole.operations.map((run) => {
      const moments = run.processes.moments.filter(({ at }) => at < START + 3000 || at > START + 6000)
      return { ...run, processes: { ...run.processes, moments } }
    })
    expect(await runRule(worksAfterEnd, { ...whole, operations })).toEqual([])
  })
  test('that only ends its interpreter is not accused', async () => {
    expect(await found({ cpuMs: (index) => (index > 60 && index < 75 ? 100 : 0) })).toEqual([])
  })
})
