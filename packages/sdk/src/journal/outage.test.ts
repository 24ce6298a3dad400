import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { PRIORITY, type Priority } from './priority.ts'
import { EventQueue } from './queue.ts'
import { openSpool } from './spool.ts'

const MIB = 1024 ** 2
const LIMITS = { maxEvents: 50_000, maxBytes: 32 * MIB, maxSpoolBytes: 64 * MIB }

it('holds 500,000 predictions during an endless outage in bounded memory', { timeout: 120_000 }, () => {
  const dir = mkdtempSync(join(tmpdir(), 'trainyard-outage-'))
  const file = join(dir, 'spool')
  const { spool, records } = openSpool(file)
  const onSpoolError = (error: unknown) => expect.fail(String(error))
  const queue = new EventQueue({ spool, records, limits: LIMITS, onSpoolError, onSpoolRecovered: () => {} })
  const push = (priority: Priority, index: number) =>
    queue.push(
      JSON.stringify({ type: 'x', index, imageName: `images/${index}.png`, predictions: 'x'.repeat(200) }),
      priority,
    )
  try {
    push(PRIORITY.neverDropped, -1)
    for (let index = 0; index < 100; index++) push(PRIORITY.validation, index)
    let [most, mostOnDisk] = [0, 0]
    for (let index = 0; index < 500_000; index++) {
      push(PRIORITY.prediction, index)
      most = Math.max(most, queue.bytes)
      if (index % 1000 === 0) mostOnDisk = Math.max(mostOnDisk, statSync(file).size)
    }
    // All 500,000 would take more than twice as much.
    expect(most).toBeLessThan(65 * MIB)
    expect(most).toBeGreaterThan(60 * MIB)
    expect(mostOnDisk).toBeLessThan(3 * 64 * MIB)
    const held = (priority: Priority) => queue.toArray().filter((event) => event.priority === priority).length
    expect([held(PRIORITY.neverDropped), held(PRIORITY.validation)]).toEqual([1, 100])
    expect(held(PRIORITY.prediction) + queue.totalLoss.predictions).toBe(500_000)
    expect(queue.totalLoss).toMatchObject({ debugLogs: 0, logs: 0, metrics: 0, validations: 0 })
    // The oldest are dropped.
    expect(queue.at(queue.length - 1)?.json).toContain('"index":499999')
    queue.close()
    const again = openSpool(file)
    expect(again.records.some((record) => record.op === 'event' && record.priority === PRIORITY.neverDropped)).toBe(
      true,
    )
    again.spool.close()
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
})

it('drops logs and metrics before predictions, predictions before validations, and never a terminal event', () => {
  const limits = { maxEvents: 10, maxBytes: 1000, maxSpoolBytes: 2000 }
  const queue = new EventQueue({
    spool: undefined,
    records: [],
    limits,
    onSpoolError: () => {},
    onSpoolRecovered: () => {},
  })
  const push = (priority: Priority, count: number) => {
    for (let index = 0; index < count; index++) queue.push(JSON.stringify({ priority, pad: 'x'.repeat(50) }), priority)
  }
  for (const priority of [PRIORITY.debugLog, PRIORITY.log, PRIORITY.stepMetrics]) push(priority, 3)
  push(PRIORITY.prediction, 10)
  expect(queue.totalLoss).toMatchObject({ predictions: 0, validations: 0 })
  push(PRIORITY.validation, 15)
  const { debugLogs, logs, metrics, predictions, validations } = queue.totalLoss
  expect([debugLogs, logs, metrics, validations]).toEqual([3, 3, 3, 0])
  expect(predictions).toBeGreaterThan(0)
  push(PRIORITY.validation, 30)
  expect(queue.totalLoss.predictions).toBe(10)
  expect(queue.totalLoss.validations).toBeGreaterThan(0)
  push(PRIORITY.neverDropped, 50)
  expect(queue.toArray().filter(({ priority }) => priority === PRIORITY.neverDropped)).toHaveLength(50)
  expect(queue.bytes).toBeLessThan(6000)
})
