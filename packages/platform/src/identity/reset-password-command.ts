import { z } from 'zod'
import { parseConfig } from '../config.ts'
import { ConfigError, TrainyardError } from '../errors.ts'
import type { Logger } from '../log.ts'
import { openIdentity } from './open-identity.ts'
import { createReset } from './passwords/create-reset.ts'

/** The first argument of the command line: `trainyard-runner reset-password ada@example.com`. */
export const RESET_PASSWORD = 'reset-password'

const Environment = z.object({
  DATABASE_URL: z.string().min(1),
  /** The address of the pages. */
  PUBLIC_URL: z.url({ protocol: /^https?$/ }).default('http://127.0.0.1:7600'),
})

export interface ResetPasswordOptions {
  env: Readonly<Record<string, string | undefined>>
  /** The arguments after {@link RESET_PASSWORD}. */
  args: readonly string[]
  logger?: Logger | undefined
  /** For tests, see {@link OpenIdentityOptions}. */
  schemaPrefix?: string | undefined
}

/**
 * Creates a password reset without signing in, for an operator who forgot their own password. It needs no permission:
 * anyone who can run it with the server's DATABASE_URL can change the database anyway. The server may be running.
 *
 * @returns the text to print
 * @throws ConfigError
 */
export async function resetPasswordCommand({ env, args, ...options }: ResetPasswordOptions): Promise<string> {
  const [email, ...extraArgs] = args
  if (email === undefined || email.startsWith('-') || extraArgs.length > 0)
    throw new ConfigError(`Expected one argument, the email of the account: "${RESET_PASSWORD} ada@example.com"`)
  const { DATABASE_URL: url, PUBLIC_URL } = parseConfig(Environment, env, RESET_PASSWORD)
  const identity = await openIdentity({ url, ...options })
  try {
    const { secret, expiresAt, account } = await createReset(identity, { by: { actor: 'server' }, email })
    const link = `${PUBLIC_URL.replace(/\/+$/, '')}/reset-password?code=${secret}`
    const until = `${expiresAt.slice(0, 16).replace('T', ' ')} UTC`
    return `${account.displayName} (${account.email}) can set a new password here, once, until ${until}:\n${link}\n`
  } catch (error) {
    if (error instanceof TrainyardError && error.code === 'not_found')
      throw new ConfigError(`There is no enabled account with the email "${email}"`)
    throw error
  } finally {
    await identity.close()
  }
}
