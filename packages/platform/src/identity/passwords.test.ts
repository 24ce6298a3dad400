import { scryptSync } from 'node:crypto'
import { expect, it } from 'vitest'
import { hashPassword, verifyPassword } from './passwords.ts'

it('knows a password by its hash, which holds its parameters and a salt of its own', async () => {
  const [one, two] = await Promise.all([hashPassword('correct horse'), hashPassword('correct horse')])
  expect(one).toMatch(/^scrypt\$32768\$8\$1\$[\w-]{22}\$[\w-]{43}$/)
  expect(one).not.toBe(two)
  expect(await verifyPassword('correct horse', one)).toBe(true)
  expect(await verifyPassword('correct hors', one)).toBe(false)
  expect(await verifyPassword('', one)).toBe(false)
})

it('still knows one that was hashed with other parameters', async () => {
  const key = scryptSync('correct horse', 'salt', 16, { N: 1024, r: 4, p: 2 }).toString('base64url')
  const old = `scrypt$1024$4$2$${Buffer.from('salt').toString('base64url')}$${key}`
  expect(await verifyPassword('correct horse', old)).toBe(true)
  expect(await verifyPassword('wrong horse', old)).toBe(false)
})

it('knows the same letters in another Unicode form', async () => {
  expect(await verifyPassword('cafe\u0301 am see', await hashPassword('caf\u00e9 am see'))).toBe(true)
})

it('fits no password when nobody has one, whatever is tried', async () => {
  expect(await verifyPassword('anything', undefined)).toBe(false)
})
