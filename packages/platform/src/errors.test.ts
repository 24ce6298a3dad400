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
  const issueAt = (path: string) => issues.find((issue) => issue.path === path)

  it('describe what each field must be, with its value', () => {
    expect(issueAt('name')).toEqual({ path: 'name', detail: 'must be at least 3 characters long', value: 'ab' })
    expect(issueAt('epochs')).toEqual({ path: 'epochs', detail: 'must be a number', value: 'ten' })
    expect(issueAt('tags.1')).toEqual({ path: 'tags.1', detail: 'must be one of "a", "b"', value: 'c' })
  })

  it('keep the custom messages of a schema', () => {
    expect(issueAt('version')).toEqual({ path: 'version', detail: 'must be digits only', value: 'v1' })
  })

  it('never show a secret', () => {
    expect(issueAt('password')).toEqual({ path: 'password', detail: 'must be at least 8 characters long' })
    const nested = fieldIssues(z.string().safeParse({ token: 'hidden-token' }).error ?? new z.ZodError([]), {
      token: 'hidden-token',
    })
    expect(JSON.stringify(nested)).not.toContain('hidden-token')
  })

  it('shorten the value to 200 characters', () => {
    const long = 'x'.repeat(5000)
    const [issue] = fieldIssues(z.number().safeParse(long).error ?? new z.ZodError([]), long)
    expect(String(issue?.value)).toHaveLength(200)
  })
})

describe('errors', () => {
  it('have the status and retry advice of their code', () => {
    expect(new TrainyardError('unavailable', 'later')).toMatchObject({ status: 503, retryable: true, message: 'later' })
    expect(notFound('job', 17)).toMatchObject({ code: 'not_found', message: 'Job "17" not found' })
  })

  it('summarise the first invalid field and count the others', () => {
    const issues = [
      { path: 'a', detail: 'is required (string)' },
      { path: 'b', detail: 'is required (string)' },
    ]
    expect(invalidRequest(issues).message).toBe('a is required (string) (and 1 more)')
  })

  it('show a bounded part of what was sent, also of fields that are listed by hand', () => {
    const zeros = Array.from({ length: 100_000 }, () => 0)
    const many = zeros.map(() => ({ path: 'a', detail: 'must be an object', value: zeros }))
    expect(JSON.stringify(invalidRequest(many).issues).length).toBeLessThan(20_000)
    const [secret] = invalidRequest([{ path: 'password', detail: 'is too short', value: 'short' }]).issues ?? []
    expect(secret).toEqual({ path: 'password', detail: 'is too short' })
  })
})

it('an error of another copy of this package is recognised by its name', () => {
  class TrainyardErrorOfAnotherCopy extends Error {
    override readonly name = 'TrainyardError'
    readonly code = 'not_found'
    readonly detail = 'Job "7" not found'
  }
  expect(new TrainyardErrorOfAnotherCopy() instanceof TrainyardError).toBe(true)
  expect(new Error('not_found') instanceof TrainyardError).toBe(false)
})
