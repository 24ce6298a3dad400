import { describe, expect, it } from 'vitest'
import { kindOfFailure } from './failures.ts'

const sqlError = (code: string) => Object.assign(new Error('refused'), { severity: 'ERROR', code })

describe('kindOfFailure', () => {
  it.each(['21000', '22003', '22P05', '54000', '54001', '08P01'])('blames the data for SQLSTATE %s', (code) => {
    expect(kindOfFailure(sqlError(code))).toBe('data')
  })

  it.each(['25006', '28000', '40P01', '55P03', '57014', '58030'])('blames the database for SQLSTATE %s', (code) => {
    expect(kindOfFailure(sqlError(code))).toBe('unavailable')
  })

  it('blames the data when the stack of this process is too small for it', () => {
    const deep: unknown = JSON.parse(`${'['.repeat(200_000)}${']'.repeat(200_000)}`)
    let caught: unknown
    try {
      JSON.stringify(deep)
    } catch (error) {
      caught = error
    }
    expect(kindOfFailure(caught)).toBe('data')
  })

  it('blames neither for a mistake in our own code', () => {
    for (const error of [
      sqlError('42601'),
      sqlError('23505'),
      new TypeError('x is undefined'),
      new RangeError('Invalid time value'),
      'text',
    ])
      expect(kindOfFailure(error)).toBeUndefined()
  })
})
