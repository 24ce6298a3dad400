import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ArtifactInfo, ExperimentEnd, ExperimentInfo, Line, ObservabilityAdapter, Point } from './adapter.ts'

/** What a backend stored, read through its own interface. */
export interface SeenExperiment {
  points: { name: string; step: number; value: number; timeMs: number }[]
  params: Record<string, string>
  artifacts: string[]
  lines: string[]
  state?: ExperimentEnd['state'] | undefined
}

export interface AdapterSetup {
  /** Creates another adapter, as a restarted runner would. */
  create(): ObservabilityAdapter
  read(
    adapter: ObservabilityAdapter,
    handle: Awaited<ReturnType<ObservabilityAdapter['start']>>,
  ): Promise<SeenExperiment>
  /** Creates an adapter whose backend does not answer. */
  createDead?(): ObservabilityAdapter
  close?(): Promise<void>
}

export interface AdapterTraits {
  name: string
  /** Whether repeated content is stored once. */
  idempotent: boolean
  /** Whether NaN and infinities are stored. */
  notFinite: boolean
  /** Whether values are stored as 32-bit floats. */
  singlePrecision?: boolean | undefined
  /** Whether all names are stored unchanged. */
  anyName: boolean
  params: boolean
  /** Whether it stores how an experiment ended. */
  ends: boolean
}

const TIME = new Date('2026-11-21T03:00:00.123Z')
const signal = () => AbortSignal.timeout(30_000)
let counter = 0

export function testInfo(changes: Partial<ExperimentInfo> = {}): ExperimentInfo {
  counter++
  const jobId = 1000 + counter
  return {
    key: `trainyard-test-${process.pid}-${Date.now()}-${counter}`,
    jobId,
    attempt: 1,
    name: 'shapes, first try',
    trainer: { name: 'acme/plain', version: '1.2.3', digest: `sha256:${'a'.repeat(64)}`, framework: 'none' },
    operation: 'train',
    taskType: 'classification',
    model: 'tiny',
    params: { 'basic.epochs': 3, 'basic.learning_rate': 0.01, 'advanced.note': 'größer ✓', 'advanced.flip': true },
    traceId: counter.toString(16).padStart(32, 'c'),
    jobUrl: `http://trainyard.test/jobs/${jobId}`,
    createdAt: TIME,
    queuedAt: TIME,
    launchedAt: new Date(TIME.getTime() + 1000),
    heardAt: new Date(TIME.getTime() + 2000),
    ...changes,
  }
}

export function testPoint(step: number, value: number, name = 'loss'): Point {
  return { seq: step, name, axis: 'step', step, value, time: new Date(TIME.getTime() + 3000 + step) }
}

export function testArtifact(text = 'the bytes of a model'): ArtifactInfo {
  return {
    id: 'art_1',
    kind: 'checkpoint',
    name: 'best model.bin',
    sizeBytes: Buffer.byteLength(text),
    sha256: 'b'.repeat(64),
    contentType: 'application/octet-stream',
    createdAt: TIME,
    url: 'http://trainyard.test/v1/jobs/1/artifacts#art_1',
    read: async () =>
      (async function* () {
        yield Buffer.from(text)
      })(),
  }
}

const testLine = (id: number, message: string): Line => ({ id, level: 'info', source: 'journal', message, time: TIME })
const endIn = (state: ExperimentEnd['state']): ExperimentEnd => ({
  state,
  reason: state === 'succeeded' ? 'completed' : state === 'failed' ? 'training_error' : 'cancelled_by_user',
  finishedAt: new Date(TIME.getTime() + 60_000),
  message: state === 'failed' ? 'out of luck' : undefined,
})

/** Tests for every backend. */
export function adapterCases(traits: AdapterTraits, setUp: () => Promise<AdapterSetup>): void {
  describe(`the ${traits.name} backend`, () => {
    let setup: AdapterSetup
    beforeAll(async () => {
      setup = await setUp()
    })
    afterAll(async () => await setup.close?.())
    const stored = (value: number) => (traits.singlePrecision ? Math.fround(value) : value)

    it('opens an experiment once, although several adapters start it', async () => {
      const info = testInfo()
      const first = await setup.create().start(info, signal())
      const second = await setup.create().start(info, signal())
      expect(second).toEqual(first)
      // Plain data, because it is stored in the database.
      expect(JSON.parse(JSON.stringify(first))).toEqual(first)
    })

    it('stores every parameter, point, line and file that it takes, and has a valid link', async () => {
      const adapter = setup.create()
      const info = testInfo()
      let handle = await adapter.start(info, signal())
      handle = (await adapter.logParams(handle, info, signal())) ?? handle
      const points = [
        testPoint(1, 0.5),
        testPoint(2, 0.1 + 0.2),
        testPoint(3, 1e-300),
        testPoint(2, -7, 'val_accuracy'),
      ]
      if (adapter.takes.metrics) handle = (await adapter.logMetrics(handle, points, signal())) ?? handle
      const lines = [testLine(1, 'a first line'), testLine(2, 'zweite Zeile ✓ "quoted"')]
      if (adapter.takes.lines) handle = (await adapter.logLines(handle, lines, info, signal())) ?? handle
      if (adapter.takes.artifacts) handle = (await adapter.logArtifact(handle, testArtifact(), signal())) ?? handle

      const seen = await setup.read(adapter, handle)
      if (adapter.takes.metrics) {
        const expected = points.map(({ name, step, value, time }) => ({
          name,
          step,
          value: stored(value),
          timeMs: time.getTime(),
        }))
        expect(sorted(seen.points)).toEqual(sorted(expected))
      }
      if (adapter.takes.lines) expect(seen.lines).toEqual(lines.map((line) => line.message))
      if (adapter.takes.artifacts) expect(seen.artifacts.some((name) => name.includes('best model.bin'))).toBe(true)
      if (traits.params)
        expect(seen.params).toMatchObject({
          'basic.epochs': '3',
          'basic.learning_rate': '0.01',
          'advanced.note': 'größer ✓',
        })
      const link = adapter.link(handle)
      if (link !== undefined) expect(() => new URL(link)).not.toThrow()
    })

    it('continues in another process, and stores repeated points once', async (test) => {
      const info = testInfo()
      const first = setup.create()
      if (!first.takes.metrics) test.skip(`${traits.name} does not store points`)
      let handle = await first.start(info, signal())
      handle = (await first.logParams(handle, info, signal())) ?? handle
      handle = (await first.logMetrics(handle, [testPoint(1, 1)], signal())) ?? handle
      const second = setup.create()
      // The first try arrived, but its handle was not stored.
      await second.logParams(handle, info, signal())
      await second.logMetrics(handle, [testPoint(2, 2), testPoint(3, 3)], signal())
      handle = (await second.logMetrics(handle, [testPoint(2, 2), testPoint(3, 3)], signal())) ?? handle
      const { points } = await setup.read(second, handle)
      const values = points.map((point) => point.value)
      if (traits.idempotent) expect(values).toEqual([1, 2, 3])
      else expect([...new Set(values)]).toEqual([1, 2, 3])
    })

    it('stores thousands of points in one call', async (test) => {
      const adapter = setup.create()
      if (!adapter.takes.metrics) test.skip(`${traits.name} does not store points`)
      const info = testInfo()
      let handle = await adapter.start(info, signal())
      const points = Array.from({ length: 2500 }, (_, index) => testPoint(index + 1, index / 7))
      handle = (await adapter.logMetrics(handle, points, signal())) ?? handle
      const seen = await setup.read(adapter, handle)
      expect(seen.points.map((point) => [point.step, point.value])).toEqual(
        points.map((point) => [point.step, stored(point.value)]),
      )
    })

    it('accepts NaN, infinities and unusual names', async (test) => {
      const adapter = setup.create()
      if (!adapter.takes.metrics) test.skip(`${traits.name} does not store points`)
      const info = testInfo()
      let handle = await adapter.start(info, signal())
      const points = [
        testPoint(1, Number.NaN, 'strange'),
        testPoint(2, Infinity, 'strange'),
        testPoint(3, 4, 'strange'),
        testPoint(4, 5, 'metrics/mAP50-95(B)'),
        testPoint(5, 6, 'größe'),
        testPoint(6, 7, '../up'),
        testPoint(7, 8, `${'long '.repeat(49)}er`),
      ]
      handle = (await adapter.logMetrics(handle, points, signal())) ?? handle
      const seen = await setup.read(adapter, handle)
      expect(new Set(seen.points.map((point) => point.name)).size).toBe(5)
      expect(
        seen.points
          .filter((point) => Number.isFinite(point.value) && point.value < 100)
          .map((point) => point.value)
          .sort(),
      ).toEqual([4, 5, 6, 7, 8])
      if (traits.notFinite) expect(seen.points.some((point) => Number.isNaN(point.value))).toBe(true)
      if (traits.anyName) expect(new Set(seen.points.map((point) => point.name))).toContain('metrics/mAP50-95(B)')
    })

    it.each(['succeeded', 'failed', 'cancelled'] as const)(
      'stores that an attempt %s, also if it is repeated',
      async (state) => {
        const adapter = setup.create()
        const info = testInfo()
        let handle = await adapter.start(info, signal())
        handle = (await adapter.finish(handle, endIn(state), info, signal())) ?? handle
        if (traits.ends) expect((await setup.read(adapter, handle)).state).toBe(state)
        if (traits.idempotent) await adapter.finish(handle, endIn(state), info, signal())
      },
    )

    it('throws when the backend does not answer, so that the feed tries again', async (test) => {
      if (setup.createDead === undefined) test.skip(`${traits.name} sends no requests`)
      const dead = setup.createDead?.()
      const info = testInfo()
      const attempt = async () => {
        const handle = await dead?.start(info, signal())
        if (handle !== undefined && dead?.takes.lines) await dead.logLines(handle, [testLine(1, 'x')], info, signal())
      }
      await expect(attempt()).rejects.toThrow(/answer|ECONNREFUSED|refused/i)
    })
  })
}

function sorted<T extends { name: string; step: number }>(points: readonly T[]): T[] {
  return [...points].sort((a, b) => a.name.localeCompare(b.name) || a.step - b.step)
}
