import { afterAll, expect, it } from 'vitest'
import { ConfigError } from '../errors.ts'
import { testDatabaseUrl } from '../testing/create-test-database.ts'
import { resetPasswordCommand } from './reset-password-command.ts'
import { closeTestIdentities, openIdentityApi } from './testing/identity-api.ts'

afterAll(closeTestIdentities)

it('prints a link with which an operator who forgot their password can sign in again', async () => {
  const { person, identity, signIn, call } = await openIdentityApi()
  const ada = await person('ada@red.test')
  const run = (...args: string[]) =>
    resetPasswordCommand({
      env: { DATABASE_URL: testDatabaseUrl(), PUBLIC_URL: 'https://yard.test/' },
      args,
      schemaPrefix: identity.schema.replace(/identity$/, ''),
    })
  const output = await run('ADA@red.test')
  const secret = /^https:\/\/yard\.test\/reset-password\?code=(ty_[0-9a-f]+)$/m.exec(output)?.[1]
  expect(output).toContain('ada (ada@red.test)')
  const body = { secret, newPassword: 'staple battery horse' }
  expect((await call('POST', '/v1/accounts/password-resets/redeem', body)).status).toBe(204)
  expect((await signIn('ada@red.test', 'staple battery horse')).status).toBe(201)
  const audit = await identity.listAudit({ subject: ada.id })
  expect(audit.map(({ actor, action }) => `${actor} ${action}`)).toContain('server password.reset.create')

  await expect(run('unknown@red.test')).rejects.toThrow('no enabled account with the email "unknown@red.test"')
  await expect(run()).rejects.toThrow(ConfigError)
  await expect(run('--help')).rejects.toThrow('reset-password ada@example.com')
  await expect(resetPasswordCommand({ env: {}, args: ['ada@red.test'] })).rejects.toThrow('DATABASE_URL')
})
