import { expect, test } from 'vitest'
import { safePath } from './credentials.ts'

test.each([
  ['/jobs/7?level=error', '/jobs/7?level=error'],
  ['/', '/'],
  [undefined, '/'],
  ['', '/'],
  ['https://evil.test/', '/'],
  ['//evil.test/', '/'],
  ['/\\evil.test/', '/'],
  ['/\t/evil.test/', '/'],
  ['javascript:alert(1)', '/'],
  ['jobs', '/'],
])('after signing in with %j one is at %j', (to, expected) => {
  expect(safePath(to)).toBe(expected)
})
