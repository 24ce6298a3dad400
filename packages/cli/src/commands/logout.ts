import { EXIT_CODES } from '../command-line/exit-codes.ts'
import type { CliIo } from '../command-line/io.ts'
import { removeLogin } from '../server/login-file.ts'

export async function run(_input: object, io: CliIo): Promise<number> {
  io.stdout.write((await removeLogin(io.env)) ? 'Logged out\n' : 'Not logged in\n')
  return EXIT_CODES.ok
}
