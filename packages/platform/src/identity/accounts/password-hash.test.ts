import { scryptSync } from 'node:crypto'
import { expect, it } from 'vitest'
import { hashPassword, verifyPassword } from './password-hash.ts'

it('verifies a password by its hash, which includes the parameters and a random salt', async () => {
  const [one, two] = await Promise.all([hashPassword('correct horse'), hashPassword('correct horse')])
  expect(one).toMatch(/^scrypt\$32768\$8\$1\$[\w-]{22}\$[\w-]{43}$/)
  expect(one).not.toBe(two)
  expect(await verifyPassword('correct horse', one)).toBe(true)
  expect(await verifyPassword('correct hors', one)).toBe(false)
  expect(await verifyPassword('', one)).toBe(false)
})

it('verifies a password that was hashed with other parameters', async () => {
  const key = scryptSync('correct horse', 'salt', 16, { N: 1024, r: 4, p: 2 }).toString('base64url')
  const old = `scrypt$1024$4$2$${Buffer.from('salt').toString('base64url')}$${key}`
  expect(await verifyPassword('correct horse', old)).toBe(true)
  expect(await verifyPassword('wrong horse', old)).toBe(false)
})

it('treats the Unicode forms of a password as equal', async () => {
  expect(await verifyPassword('cafe\u0301 am see', await hashPassword('caf\u00e9 am see'))).toBe(true)
})

it('accepts no password without a hash', async () => {
  expect(await verifyPassword('anything', undefined)).toBe(false)
})
