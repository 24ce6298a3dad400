import { EXIT_CODES } from '../command-line/exit-codes.ts'
import type { CliIo } from '../command-line/io.ts'
import { removeLogin } from '../server/login-file.ts'
import { printJson } from '../terminal/table.ts'

export async function run({ json }: { json: boolean }, io: CliIo): Promise<number> {
  const loggedOut = await removeLogin(io.env)
  if (json) printJson(io, { loggedOut })
  else io.stdout.write(loggedOut ? 'Logged out\n' : 'Not logged in\n')
  return EXIT_CODES.ok
}
