import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { fieldIssues, invalidRequest, notFound, TrainyardError } from './errors.ts'

const Body = z.object({
  name: z.string().min(3),
  epochs: z.number().int().positive(),
  tags: z.array(z.enum(['a', 'b'])),
  password: z.string().min(8),
  version: z.string().regex(/^\d+$/, 'must be digits only'),
  target: z.union([z.object({ kind: z.literal('x'), size: z.number() }), z.string()]),
})

describe('fieldIssues', () => {
  const input = { name: 'ab', epochs: 'ten', tags: ['a', 'c'], password: 'short', version: 'v1', target: { kind: 'x' } }
  const issues = fieldIssues(Body.safeParse(input).error ?? new z.ZodError([]), input)
  const of = (path: string) => issues.find((issue) => issue.path === path)

  it('says in a sentence what each field must be, and what was seen', () => {
    expect(of('name')).toEqual({ path: 'name', detail: 'must be at least 3 characters long', value: 'ab' })
    expect(of('epochs')).toEqual({ path: 'epochs', detail: 'must be a number', value: 'ten' })
    expect(of('tags.1')).toEqual({ path: 'tags.1', detail: 'must be one of "a", "b"', value: 'c' })
  })

  it('keeps the sentences that a schema brings along', () => {
    expect(of('version')).toEqual({ path: 'version', detail: 'must be digits only', value: 'v1' })
  })

  it('never shows a secret', () => {
    expect(of('password')).toEqual({ path: 'password', detail: 'must be at least 8 characters long' })
    const nested = fieldIssues(z.string().safeParse({ token: 'hidden-token' }).error ?? new z.ZodError([]), {
      token: 'hidden-token',
    })
    expect(JSON.stringify(nested)).not.toContain('hidden-token')
  })

  it('cuts what was seen to 200 characters', () => {
    const long = 'x'.repeat(5000)
    const [issue] = fieldIssues(z.number().safeParse(long).error ?? new z.ZodError([]), long)
    expect(String(issue?.value)).toHaveLength(200)
  })
})

describe('errors', () => {
  it('carry the status and the retry advice of their code', () => {
    expect(new TrainyardError('unavailable', 'later')).toMatchObject({ status: 503, retryable: true, message: 'later' })
    expect(notFound('job', 17)).toMatchObject({ code: 'not_found', message: 'There is no job "17" here' })
  })

  it('summarise the first wrong field and count the others', () => {
    const issues = [
      { path: 'a', detail: 'is required (string)' },
      { path: 'b', detail: 'is required (string)' },
    ]
    expect(invalidRequest(issues).message).toBe('a is required (string) (and 1 more)')
  })
})

it('an error of another copy of this room is known by its name', () => {
  class TrainyardErrorOfAnotherCopy extends Error {
    override readonly name = 'TrainyardError'
    readonly code = 'not_found'
    readonly detail = 'There is no job "7" here'
  }
  expect(new TrainyardErrorOfAnotherCopy() instanceof TrainyardError).toBe(true)
  expect(new Error('not_found') instanceof TrainyardError).toBe(false)
})
