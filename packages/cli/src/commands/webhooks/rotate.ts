import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { requireNamespace } from '../../command-line/require-namespace.ts'
import { connect, type ServerValues } from '../../server/connection.ts'
import { printSecret } from './print-secret.ts'

interface RotateInput extends ServerValues {
  namespace: string
  id: string
  json: boolean
}

export async function run({ namespace, id, json, ...server }: RotateInput, io: CliIo): Promise<number> {
  requireNamespace(namespace)
  const answer = await (await connect(server, io)).webhooks.rotate(namespace, id)
  printSecret(io, answer, { json, words: `replaced the secret of ${id}; the old one signs for one more day` })
  return EXIT_CODES.ok
}
