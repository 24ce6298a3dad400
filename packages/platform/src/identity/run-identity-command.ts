import { RESET_PASSWORD, resetPasswordCommand } from './reset-password-command.ts'
import { SETUP_SECRET, setupSecretCommand } from './setup-secret-command.ts'

/**
 * Runs a command of the servers' programs that changes the database and starts no server.
 *
 * @param argv the arguments of the program, without Node and the program
 * @returns the text to print; undefined when the arguments name none of these commands
 * @throws ConfigError
 */
export async function runIdentityCommand(
  [command, ...args]: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  switch (command) {
    case RESET_PASSWORD:
      return await resetPasswordCommand({ env, args })
    case SETUP_SECRET:
      return await setupSecretCommand({ env })
    default:
      return undefined
  }
}
