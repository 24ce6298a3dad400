import { suggest } from '@trainyard/contract/format'
import { describe, expect, test } from 'vitest'
import { readCommandLine } from './parse.ts'
import { argument, argumentList, choice, flag, number, option, optionalArgument, repeatable } from './values.ts'

const declared = {
  arguments: {
    source: argument('SRC', { description: 'A folder' }),
    target: optionalArgument('DST', { description: '' }),
  },
  options: {
    'dry-run': flag('Only show', { short: 'n' }),
    priority: number({ placeholder: 'N', description: '', min: -100, max: 100, isWhole: true }),
    limit: number({ placeholder: 'N', description: '', min: 1, default: 20 }),
    url: option({ placeholder: 'URL', description: '', alias: 'registry' }),
    kind: choice(['plot', 'log'], { placeholder: 'KIND', description: '', aliases: { chart: 'plot' } }),
    set: repeatable({ placeholder: 'NAME=VALUE', description: '' }),
  },
}
const read = (...args: string[]) => readCommandLine(declared, args)

describe('readCommandLine', () => {
  test('gives every value, in camel case and with defaults', () => {
    expect(read('a')).toEqual({
      source: 'a',
      target: undefined,
      dryRun: false,
      priority: undefined,
      limit: 20,
      url: undefined,
      kind: undefined,
      set: [],
    })
    expect(read('-n', 'a', '--limit=3', 'b', '--kind', 'chart', '--set', 'x=1', '--set=y=2')).toMatchObject({
      source: 'a',
      target: 'b',
      dryRun: true,
      limit: 3,
      kind: 'plot',
      set: ['x=1', 'y=2'],
    })
  })

  test('accepts negative numbers, aliases, and everything after -- as an argument', () => {
    expect(read('a', '--priority', '-10', '--registry', 'http://x')).toMatchObject({ priority: -10, url: 'http://x' })
    expect(read('--', '--dry-run', '-b')).toMatchObject({ source: '--dry-run', target: '-b', dryRun: false })
  })

  test('takes the last value of an option that is not repeatable', () => {
    expect(read('a', '--limit', '3', '--limit', '4', '--url', 'x', '--registry', 'y')).toMatchObject({
      limit: 4,
      url: 'y',
    })
  })

  test.each([
    [[], 'missing argument SRC: A folder'],
    [['a', 'b', 'c'], 'unexpected argument "c": expected at most 2 arguments, got 3'],
    [['a', '--limit', '0'], '--limit is "0": expected a number of at least 1'],
    [['a', '--priority', '101'], '--priority is "101": expected a whole number from -100 to 100'],
    [['a', '--priority', '1.5'], '--priority is "1.5": expected a whole number'],
    [['a', '--kind', 'plto'], '--kind is "plto": expected plot or log; did you mean "plot"?'],
    [
      ['a', '--url', '--dry-run'],
      '--url expects a value, got "--dry-run"; if that is the value, write --url=--dry-run',
    ],
    [['a', '-x'], 'unknown option "-x"'],
  ])('refuses %j', (args, message) => {
    expect(() => read(...args)).toThrow(message)
  })

  test('reads a list of arguments', () => {
    const ids = argumentList('ID', { description: '', parse: Number })
    expect(readCommandLine({ arguments: { ids }, options: {} }, ['1', '2'])).toEqual({ ids: [1, 2] })
    expect(() => readCommandLine({ arguments: { ids }, options: {} }, [])).toThrow('missing argument ID')
  })
})

test.each([
  ['jbos', 'jobs'],
  ['sate', 'state'],
  ['publsh', 'publish'],
  ['evaluate', undefined],
  ['x', undefined],
])('suggests for %s: %s', (word, expected) => {
  const text = expected === undefined ? '' : `; did you mean "${expected}"?`
  expect(suggest(word, ['jobs', 'state', 'publish', 'export'])).toBe(text)
})
