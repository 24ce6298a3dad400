import { expect, it } from 'vitest'
import { z } from 'zod'
import { parseConfig } from '../../config.ts'
import { AuthEnvironment, toAuthConfig } from './auth-config.ts'

const mailOf = (env: Record<string, string>) =>
  toAuthConfig(parseConfig(z.object(AuthEnvironment), env, 'a server')).mail
const SMTP_URL = 'smtps://user:hidden-password@mail.test'

it('mails are sent with a mail server and a sender, and not without a mail server', () => {
  const from = 'Trainyard <yard@x.test>'
  expect(mailOf({ SMTP_URL, SMTP_FROM: from })).toEqual({ smtpUrl: SMTP_URL, from })
  expect(mailOf({ SMTP_FROM: from })).toBeUndefined()
  expect(() => mailOf({ SMTP_URL })).toThrow('Set SMTP_FROM to the sender of mails')
})

it.each([
  [{ SMTP_URL: 'https://user:hidden-password@mail.test', SMTP_FROM: 'a@x.test' }, 'SMTP_URL'],
  [{ SMTP_URL, SMTP_FROM: 'no-address' }, 'SMTP_FROM'],
  [{ SMTP_URL, SMTP_FROM: 'a@x.test\r\nBcc: b@x.test' }, 'SMTP_FROM'],
])('the settings of mails in %o are refused by name, without the password', (env, name) => {
  const refused = () => mailOf(env)
  expect(refused).toThrow(`- ${name} `)
  expect(refused).not.toThrow('hidden-password')
})
