import { expect, it } from 'vitest'
import { defineStatement } from './statement.ts'

it('replaces named parameters by positions and orders the values', () => {
  const statement = defineStatement<{ id: number; names: string[] }>(
    'find',
    `select :id::bigint, ':'::text from t where id = :id and name = any(:names::text[])`,
  )
  expect(statement.text).toBe(`select $1::bigint, ':'::text from t where id = $1 and name = any($2::text[])`)
  expect(statement.values({ names: ['a'], id: 7 })).toEqual([7, ['a']])
})

it('rejects a statement whose parameter has no value', () => {
  const statement = defineStatement<object>('find', 'select :id')
  expect(() => statement.values({})).toThrow('parameter "id" is missing')
})
