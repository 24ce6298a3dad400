import { describe, expect, it } from 'vitest'
import { JsonScanner, type ScanLimits } from './json-scanner.ts'

const LIMITS: ScanLimits = { maxDepth: 3, maxValues: 100, maxFields: 100 }
const passes = (text: string, limits: Partial<ScanLimits> = {}) =>
  new JsonScanner({ ...LIMITS, ...limits }).push(Buffer.from(text))
/** How many fields a parser would have to work for. */
const fieldsOf = (value: unknown, limits: Partial<ScanLimits> = {}) => {
  const scanner = new JsonScanner({ maxDepth: 64, maxValues: 1_100_000, maxFields: 1_100_000, ...limits })
  scanner.push(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)))
  return scanner.fields
}
const named = (prefix: string, count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`${prefix}${index}`, index]))

describe('the scanner', () => {
  it.each([
    ['[[[]]]', true],
    ['[[[[]]]]', false],
    ['{"a":{"b":[1]}}', true],
    ['{"a":{"b":[[1]]}}', false],
    ['[[],[],[],[],[]]', true],
    ['{"a":"[[[[[["}', true],
    ['{"a":"\\"[[[[[["}', true],
    ['{"a":"\\\\"},[[[[', false],
    ['{"[[[[":"{{{{"}', true],
    ['["ä[[[[€[[[[😀[[[["]', true],
    ['"\\u005b[[[[[["', true],
    ['[[[[', false],
  ])('allows a depth of three: %j is %j', (text, expected) => {
    expect(passes(text)).toBe(expected)
  })

  it('counts arrays, objects and what commas separate, but nothing inside strings', () => {
    expect(passes(`[${'0,'.repeat(98)}0]`)).toBe(true)
    expect(passes(`[${'0,'.repeat(100)}0]`)).toBe(false)
    expect(passes(`{${'"a":0,'.repeat(100)}"a":0}`)).toBe(false)
    expect(passes(`["${',[{'.repeat(1000)}"]`)).toBe(true)
    expect(passes(`[${'[],'.repeat(60)}[]]`)).toBe(false)
  })

  it('has the same answer however the bytes are divided', () => {
    for (const text of ['{"a":"\\\\\\"[[[[\\\\"}', '{"a\\\\":[[["\\\\",[]]]]}', '["\\\\"]', '[[["x\\\\"],[[[']) {
      const whole = passes(text)
      const bytes = Buffer.from(text)
      const scanner = new JsonScanner(LIMITS)
      expect([text, bytes.every((_, index) => scanner.push(bytes.subarray(index, index + 1)))]).toEqual([text, whole])
    }
  })

  it('stops at the byte that exceeds a limit', () => {
    const scanner = new JsonScanner({ ...LIMITS, maxDepth: 2 })
    expect(scanner.push(Buffer.from('[[[,,,,,,'))).toBe(false)
    expect([scanner.isTooDeep, scanner.values]).toEqual([true, 4])
  })

  it.each([
    ['{"a":1,"b":"c","d":["e","f"]}', 3],
    ['{"a":{"a":{"a":1}}}', 1],
    ['{"a":1,"b":{"c":1},"d":2}', 4],
    ['[{"a":1,"b":2},{"a":3,"b":4},{"a":5}]', 2],
    ['[{"a":1,"b":2},{"b":3,"a":4}]', 4],
    ['{"a\\"b":1,"a":{}}', 2],
    ['["a","b",["c"],"d"]', 0],
    ['{"":0}', 1],
    ['{}', 0],
    [']]]],"a","b"', 0],
  ])('counts a field once for each set of names before it: %s has %i', (text, fields) => {
    expect(fieldsOf(text)).toBe(fields)
  })

  it('stops at the first field above the limit, however the fields are divided into objects', () => {
    const limits = { maxFields: 1000 }
    const divided = Array.from({ length: 100 }, (_, index) => named(`k${index}-`, 30))
    const mixed = Array.from({ length: 100 }, (_, index) => ({ [`k${index}`]: 0, ...named('k', 30) }))
    for (const value of [named('loss', 3000), divided, mixed]) expect(fieldsOf(value, limits)).toBe(1001)
  })

  it('counts no field of a hundred events again that another event has', () => {
    const events = Array.from({ length: 100 }, (_, seq) => ({ seq, type: 'progress', metrics: named('loss', 100) }))
    expect(fieldsOf({ attempt: 1, events })).toBe(2 + 3 + 100)
  })
})
