import { expect, test } from 'vitest'
import { parseSetting } from './parse-setting.ts'

test.each([
  ['1', { type: 'string' }, '1'],
  ['true', { type: 'string' }, 'true'],
  ['"quoted"', { type: 'string' }, '"quoted"'],
  ['1', { type: 'integer' }, 1],
  ['1.5', { type: 'integer' }, 1.5],
  ['.5', { type: 'number' }, 0.5],
  ['1e-3', { type: 'number' }, 0.001],
  ['many', { type: 'integer' }, 'many'],
  ['', { type: 'number' }, ''],
  ['Infinity', { type: 'number' }, 'Infinity'],
  ['true', { type: 'boolean' }, true],
  ['yes', { type: 'boolean' }, 'yes'],
  ['1', { type: 'boolean' }, '1'],
  ['[1,2]', { type: 'array' }, [1, 2]],
  ['{"a":1}', { type: 'object' }, { a: 1 }],
  ['null', { type: ['string', 'null'] }, null],
  ['null', { type: 'string' }, 'null'],
  ['7', { type: ['integer', 'string'] }, 7],
  ['seven', { type: ['integer', 'string'] }, 'seven'],
  ['1', { enum: ['1', '2'] }, '1'],
  ['1', { enum: [1, 2] }, 1],
  ['1', {}, 1],
  ['one', {}, 'one'],
  ['null', undefined, null],
  ['[1]', undefined, [1]],
  ['1', true, 1],
])('%j with the schema %j is %j', (text, schema, value) => {
  expect(parseSetting(text, schema)).toEqual(value)
})
