import { z } from 'zod'
import { parseConfig } from '../config.ts'
import { ConfigError, TrainyardError } from '../errors.ts'
import type { Logger } from '../log.ts'
import { openIdentity } from './open-identity.ts'
import { createReset } from './password-resets.ts'

/** The first word of the command line: `trainyard-runner reset-password ada@example.com`. */
export const RESET_PASSWORD = 'reset-password'

const Environment = z.object({
  DATABASE_URL: z.string().min(1),
  /** Where people find the pages. */
  PUBLIC_URL: z.url({ protocol: /^https?$/ }).default('http://127.0.0.1:7600'),
})

export interface ResetPasswordOptions {
  env: Readonly<Record<string, string | undefined>>
  /** What follows {@link RESET_PASSWORD}. */
  args: readonly string[]
  logger?: Logger
  /** See {@link OpenIdentityOptions}: for tests. */
  schemaPrefix?: string
}

/**
 * For the operator who forgot their own password: whoever may run a program with the server's database may read all of it
 * anyway. Resolves with what to tell them. The server may be running.
 *
 * @throws ConfigError
 */
export async function resetPasswordCommand({ env, args, ...options }: ResetPasswordOptions): Promise<string> {
  const [email, ...others] = args
  if (email === undefined || email.startsWith('-') || others.length > 0)
    throw new ConfigError(`Say whose password: "${RESET_PASSWORD} ada@example.com"`)
  const { DATABASE_URL: url, PUBLIC_URL } = parseConfig(Environment, env, RESET_PASSWORD)
  const identity = await openIdentity({ url, ...options })
  try {
    const { secret, expiresAt, account } = await createReset(identity, { actor: 'server', email })
    const link = `${PUBLIC_URL.replace(/\/+$/, '')}/reset-password?code=${secret}`
    const until = `${expiresAt.slice(0, 16).replace('T', ' ')} UTC`
    return `Until ${until}, ${account.displayName} (${account.email}) may choose a new password, once, here:\n${link}\n`
  } catch (error) {
    if (error instanceof TrainyardError && error.code === 'not_found')
      throw new ConfigError(`There is no account with the email "${email}" that could sign in`)
    throw error
  } finally {
    await identity.close()
  }
}
