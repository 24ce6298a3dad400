import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { connect, type ServerValues } from '../../server/connection.ts'
import { printStatus } from './print-status.ts'

export async function run({ json, ...server }: ServerValues & { json: boolean }, io: CliIo): Promise<number> {
  printStatus(io, await (await connect(server, io)).checks.rescans(), json)
  return EXIT_CODES.ok
}
