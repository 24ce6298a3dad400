import { describe, expect, it } from 'vitest'
import { JsonScanner } from './json-scanner.ts'

const passes = (text: string, limits: { maxDepth?: number; maxValues?: number } = {}) =>
  new JsonScanner({ maxDepth: 3, maxValues: 100, ...limits }).push(Buffer.from(text))

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
      const scanner = new JsonScanner({ maxDepth: 3, maxValues: 100 })
      expect([text, bytes.every((_, index) => scanner.push(bytes.subarray(index, index + 1)))]).toEqual([text, whole])
    }
  })

  it('stops at the byte that exceeds a limit', () => {
    const scanner = new JsonScanner({ maxDepth: 2, maxValues: 100 })
    expect(scanner.push(Buffer.from('[[[,,,,,,'))).toBe(false)
    expect([scanner.isTooDeep, scanner.values]).toEqual([true, 4])
  })
})
