import { randomBytes } from 'node:crypto'
import { deflateSync, gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { createLeakFinder } from './find-leaks.ts'

const token = `eyJhbGciOiJIUzI1NiJ9.eyJqb2IiOjF9.${randomBytes(32).toString('base64url')}`
const leaks = createLeakFinder([token])
const base64 = (text: string) => Buffer.from(text).toString('base64')

const base32 = (text: string) =>
  (
    [...Buffer.from(text)]
      .map((byte) => byte.toString(2).padStart(8, '0'))
      .join('')
      .match(/.{5}/g) ?? []
  )
    .map((bits) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[Number.parseInt(bits, 2)])
    .join('')

describe('a token in the output is found', () => {
  test.each<[string, string[]]>([
    ['as it is', [`token ${token}`]],
    ['with spaces', [[...token].join(' ')]],
    ['over several lines', token.match(/.{1,9}/g) ?? []],
    ['without its first parts', [token.split('.').at(-1) ?? '']],
    ['backwards', [[...token].reverse().join('')]],
    ['in Base64', [`data: ${base64(token)}`]],
    ['in Base64 after other characters', [`xy${base64(token)}`]],
    ['in Base64 twice', [base64(base64(token))]],
    ['percent-encoded', [[...token].map((c) => `%${c.charCodeAt(0).toString(16)}`).join('')]],
    ['in escapes', [[...token].map((c) => `\\u00${c.charCodeAt(0).toString(16)}`).join('')]],
    ['in hex with colons', [Buffer.from(token).toString('hex').match(/../g)?.join(':') ?? '']],
    ['in hex with spaces', [Buffer.from(token).toString('hex').match(/../g)?.join(' ') ?? '']],
    ['as codes of characters', [JSON.stringify([...Buffer.from(token)])]],
    ['as entities', [[...token].map((c) => `&#${c.charCodeAt(0)};`).join('')]],
    [
      'in ROT13',
      [token.replace(/[a-z]/gi, (c) => String.fromCharCode(c.charCodeAt(0) + (c.toLowerCase() < 'n' ? 13 : -13)))],
    ],
    ['packed, in Base64', [gzipSync(token).toString('base64')]],
    ['packed, in hex', [deflateSync(`a ${token} b`).toString('hex')]],
    ['packed', [gzipSync(token).toString('latin1')]],
    ['in Base32', [base32(token)]],
    ['in upper case', [token.toUpperCase()]],
    ['in hex', [Buffer.from(token).toString('hex')]],
    ['in a signed URL', ['GET /a?X-Amz-Signature=0123456789abcdef0123']],
  ])('%s', (_how, output) => {
    expect(leaks(output)).toBe(true)
  })
})

test.each([
  ['[TRACE:0af7651916cd43dd8448eb211c80319c] [INFO] 30 images of 3 classes'],
  ['eyJhbGciOiJIUzI1NiJ9 is how every token begins'],
  ['sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'],
  [base64('an innocent text that is long enough')],
])('the line "%s" is not accused', (line) => {
  expect(leaks([line])).toBe(false)
})

test('a large output does not take long', () => {
  const lines = Array.from({ length: 80_000 }, (_, index) => `epoch ${index} ${'0123456789abcdef'.repeat(5)}`)
  const begunAt = performance.now()
  expect(leaks(lines)).toBe(false)
  expect(performance.now() - begunAt).toBeLessThan(20_000)
})
