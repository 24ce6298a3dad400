import { TrainerEvent } from '@trainyard/contract'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readPlainEvent } from './read-plain-event.ts'

const oddNumber = fc.oneof(
  fc.nat(),
  fc.integer(),
  fc.double(),
  fc.constantFrom(-0, 2 ** 53, 2 ** 53 - 1, Number.POSITIVE_INFINITY, -1, 0.5),
)
const anything = fc.oneof(oddNumber, fc.string(), fc.constantFrom(null, true, [], {}, 'NaN', 'nan', '-Infinity'))
const mostly = <T>(usual: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 12, arbitrary: usual }, { weight: 1, arbitrary: anything })
const time = fc.oneof(
  fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true }).map((date) => date.toISOString()),
  fc.constantFrom(
    '2026-02-28T23:59:59Z',
    '2026-02-29T00:00:00Z',
    '2024-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-11-20T24:00:00Z',
    '2026-11-20T09:30:60Z',
    '2026-11-20T09:30:00+02:00',
    '2026-11-20T09:30:00.123456789Z',
    '2026-11-20T09:30Z',
    '2026-11-20 09:30:00Z',
    '2026-11-20T09:30:00z',
    '0000-01-01T00:00:00.000Z',
    '0001-01-01T00:00:00+14:00',
    'yesterday',
  ),
)
const metricName = fc.oneof(
  fc.string(),
  fc.constantFrom('__proto__', 'constructor', '', 'x'.repeat(250), 'x'.repeat(251)),
)
const metrics = fc.dictionary(metricName, mostly(fc.oneof(fc.double(), fc.constantFrom('NaN', 'Infinity'))))
const count = fc.oneof(fc.nat(), fc.constantFrom(0, 2 ** 53 - 1))
const progress = fc.record(
  {
    seq: mostly(fc.integer({ min: 1 })),
    time: mostly(time),
    type: fc.constant('progress'),
    epoch: mostly(count),
    totalEpochs: mostly(count),
    step: mostly(count),
    totalSteps: mostly(count),
    phase: mostly(fc.string({ maxLength: 60 })),
    metrics: mostly(metrics),
    surprise: anything,
  },
  { requiredKeys: ['seq', 'time', 'type'] },
)
const log = fc.record(
  {
    seq: mostly(fc.integer({ min: 1 })),
    time: mostly(time),
    type: fc.constant('log'),
    level: mostly(fc.constantFrom('debug', 'info', 'warning', 'error', 'warn', 'INFO')),
    message: mostly(fc.oneof(fc.string(), fc.constantFrom('x'.repeat(16_384), 'x'.repeat(16_385)))),
    eventType: mostly(fc.string({ maxLength: 110 })),
    data: mostly(fc.dictionary(fc.string(), anything)),
  },
  { requiredKeys: ['seq', 'time', 'type', 'level', 'message'] },
)

describe('readPlainEvent', () => {
  it.each([
    ['progress', progress],
    ['log', log],
  ])('of type %s says what the schema says, or leaves it to the schema', (_type, arbitrary) => {
    let quick = 0
    fc.assert(
      fc.property(arbitrary, (body) => {
        // As received: no undefined, no -0, 1e999 as a number.
        const read = readPlainEvent(body)
        if (read === undefined) return
        quick++
        const law = TrainerEvent.safeParse(body)
        expect(law.success ? law.data : law.error.issues).toEqual(read)
      }),
      { numRuns: 3000 },
    )
    // Otherwise the comparison would prove nothing.
    expect(quick).toBeGreaterThan(50)
  })

  it('accepts the events of the SDK', () => {
    const time = new Date().toISOString()
    const metrics = { loss: 0.25, 'mAP50-95': 'NaN' }
    const base = { seq: 1, time: time.replace(/-(29|30|31)T/, '-28T') }
    expect(readPlainEvent({ ...base, type: 'progress', epoch: 1, step: 4, metrics })).toBeDefined()
    expect(readPlainEvent({ ...base, type: 'log', level: 'info', message: 'text' })).toBeDefined()
  })

  it('leaves all other types to the schema', () => {
    expect(readPlainEvent({ seq: 1, time: '2026-11-20T09:30:00Z', type: 'started' })).toBeUndefined()
  })
})
