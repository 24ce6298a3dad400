import { z } from 'zod'
import { parseConfig } from '../config.ts'
import { ConfigError } from '../errors.ts'
import { openIdentity } from './open-identity.ts'
import { describeSetup } from './setup/prepare-setup.ts'
import { hasOperator, replaceSetupSecret } from './setup/setup-secret.ts'

/** The first argument of the command line: `trainyard-runner setup-secret`. */
export const SETUP_SECRET = 'setup-secret'

const Environment = z.object({
  DATABASE_URL: z.string().min(1),
  PUBLIC_URL: z.url({ protocol: /^https?$/ }).default('http://127.0.0.1:7600'),
  /** The address of the pages, where it is another. */
  PAGES_URL: z.url({ protocol: /^https?$/ }).optional(),
})

export interface SetupSecretOptions {
  env: Readonly<Record<string, string | undefined>>
  /** For tests, see `OpenIdentityOptions`. */
  schemaPrefix?: string | undefined
}

/**
 * Replaces the secret that the first account needs, for an operator who cannot read the file any more. It needs no
 * permission, as the command that resets a password.
 *
 * @returns the text to print
 * @throws ConfigError
 */
export async function setupSecretCommand({ env, schemaPrefix }: SetupSecretOptions): Promise<string> {
  const { DATABASE_URL: url, PUBLIC_URL, PAGES_URL = PUBLIC_URL } = parseConfig(Environment, env, SETUP_SECRET)
  const identity = await openIdentity({ url, schemaPrefix })
  try {
    if (await hasOperator(identity.database.db))
      throw new ConfigError('This installation has an operator, who invites others; a set-up secret has no use')
    return describeSetup(PAGES_URL, await replaceSetupSecret(identity))
  } finally {
    await identity.close()
  }
}
