import { expect, it } from 'vitest'
import { requireGoodPassword } from './require-good-password.ts'

const account = { email: 'Ada.Byron@red-team.test', display_name: 'Ada Lovelace' }
const check = (password: string) => requireGoodPassword(password, { field: 'newPassword', account })

it.each([
  'correct horse battery',
  'staple battery horse',
  'x9$Kq2!vTz',
  'Übermut tut selten gut',
  '我们的密码是一个很长的句子',
  'ada counts purple locomotives',
])('accepts %j', async (password) => {
  await expect(check(password)).resolves.toBeUndefined()
})

it.each([
  ['short', 'at least 10 characters'],
  [' '.repeat(10), 'white space'],
  ['\u00a0\t'.repeat(6), 'white space'],
  ['a'.repeat(30), 'one character repeated'],
  ['Ada.Byron@red-team.test', 'the email or the name'],
  ['ada.byron@red-team.test', 'the email or the name'],
  ['ada.byron2026', 'the email or the name'],
  ['adabyron!!', 'the email or the name'],
  ['Lovelace123', 'the email or the name'],
  ['AdaLovelace', 'the email or the name'],
  ['red-team.test', 'the email or the name'],
  ['1234567890', 'easy to guess'],
  ['qwertyuiop', 'easy to guess'],
  ['Password123!', 'easy to guess'],
  ['P@ssw0rd2024', 'easy to guess'],
  ['letmein123456', 'easy to guess'],
  ['abcabcabcabc', 'easy to guess'],
  ['abcdefghijkl', 'easy to guess'],
  ['11111111112', 'easy to guess'],
  ['trainyard123', 'easy to guess'],
])('refuses %j, because of %s', async (password, reason) => {
  await expect(check(password)).rejects.toMatchObject({
    code: 'invalid_request',
    issues: [{ path: 'newPassword', detail: expect.stringContaining(reason) }],
  })
})

it('never repeats the password in its message', async () => {
  await expect(check('Lovelace123')).rejects.toSatisfy((error: Error) => !JSON.stringify(error).includes('Lovelace'))
})
