import { expect, test } from 'vitest'
import { type Fault, FaultScript } from './faults.ts'

const REQUESTS = [
  ...Array.from({ length: 6 }, () => ({ method: 'POST', target: 'events' })),
  ...Array.from({ length: 3 }, () => ({ method: 'GET', target: 'dataset' })),
  ...Array.from({ length: 8 }, () => ({ method: 'POST', target: 'artifacts' })),
]

function play(seed: number): (Fault | undefined)[] {
  let now = 0
  const script = new FaultScript(seed, () => now)
  return REQUESTS.map((request) => {
    now += 100
    return script.decide(request)
  })
}

test('the same seed repeats the same faults, another seed gives others', () => {
  const seeds = Array.from({ length: 20 }, (_, seed) => seed)
  for (const seed of seeds) expect(play(seed)).toEqual(play(seed))
  expect(new Set(seeds.map((seed) => JSON.stringify(play(seed)))).size).toBeGreaterThan(5)
})

test('every script refuses the first events and loses exactly one response', () => {
  for (let seed = 0; seed < 50; seed++) {
    const events = play(seed).slice(0, 6)
    expect(events[0]?.kind).toBe('refuse')
    expect(events.filter((fault) => fault?.kind === 'lose_response')).toHaveLength(1)
  }
})

test('the outage starts with the first upload, affects every request, and ends after two seconds', () => {
  let now = 0
  const script = new FaultScript(3, () => now)
  expect(script.record.inOutage).toBe(0)
  expect(script.decide({ method: 'POST', target: 'artifacts' })).toBeDefined()
  expect(script.decide({ method: 'PUT', target: 'storage' })).toBeDefined()
  now = 1999
  expect(script.decide({ method: 'GET', target: 'dataset' })).toBeDefined()
  expect(script.record).toMatchObject({ inOutage: 3, requestedAfterOutage: false })
  now = 2000
  expect(script.decide({ method: 'POST', target: 'artifacts' })).toBeUndefined()
  expect(script.record).toMatchObject({ inOutage: 3, requestedAfterOutage: true })
})
