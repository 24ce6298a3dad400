import type { RescannedCheck } from '@trainyard/contract'
import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { connect, type ServerValues } from '../../server/connection.ts'
import { printStatus } from './print-status.ts'

interface StartInput extends ServerValues {
  check: RescannedCheck | undefined
  json: boolean
}

export async function run({ check, json, ...server }: StartInput, io: CliIo): Promise<number> {
  printStatus(io, await (await connect(server, io)).checks.rescan(check === undefined ? {} : { check }), json)
  return EXIT_CODES.ok
}
