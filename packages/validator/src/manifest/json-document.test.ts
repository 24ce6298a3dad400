import { describe, expect, test } from 'vitest'
import { parseJsonDocument } from './json-document.ts'

function failure(text: string) {
  const document = parseJsonDocument(text)
  if (document.ok) throw new Error('it parsed')
  return { message: document.message, ...document.at }
}

test('returns the same values as JSON.parse', () => {
  const text = '\ufeff { "a": [1, -2.5e3, true, null, "x\\u00e9\\n"], "": {}, "b": { "c": [] } } '
  const document = parseJsonDocument(text)
  expect(document.ok && document.value).toEqual(JSON.parse(text.slice(1)))
})

test('keeps a "__proto__" key as data', () => {
  const document = parseJsonDocument('{"__proto__": {"admin": true}}')
  expect(document.ok && Object.keys(document.value as object)).toEqual(['__proto__'])
  expect(({} as { admin?: boolean }).admin).toBeUndefined()
})

test('locates a value, and for a missing value its parent', () => {
  const document = parseJsonDocument('{\n  "models": [\n    { "name": 3 }\n  ]\n}')
  if (!document.ok) throw new Error(document.message)
  expect(document.locate(['models', 0, 'name'])).toEqual({ line: 3, column: 15 })
  expect(document.locate(['models', 0, 'taskTypes'])).toEqual({ line: 3, column: 5 })
  expect(document.locate(['nowhere'])).toEqual({ line: 1, column: 1 })
})

test('finds duplicate keys', () => {
  const document = parseJsonDocument('{"a": 1,\n "a": 2}')
  expect(document.ok && document.duplicates).toEqual([{ path: ['a'], at: { line: 2, column: 2 } }])
})

describe('reports line and column of a syntax error', () => {
  test.each([
    ['', 1, 1],
    ['{\n  "a": 1,\n}', 3, 1],
    ['{ // note\n}', 1, 3],
    ['{"a" 1}', 1, 6],
    ['[1 2]', 1, 4],
    ['{"a": tru}', 1, 7],
    ['{"a": 01}', 1, 7],
    ['{"a": "x', 1, 7],
    ['{"a": "x\n"}', 1, 7],
    ['{"a": "\\q"}', 1, 7],
    ["{'a': 1}", 1, 2],
    ['{} {}', 1, 4],
  ])('%j', (text, line, column) => {
    expect(() => JSON.parse(text)).toThrow()
    expect(failure(text)).toMatchObject({ line, column })
  })
})

test('rejects nesting that would overflow the stack', () => {
  expect(failure('['.repeat(100_000)).message).toContain('nested deeper')
})
