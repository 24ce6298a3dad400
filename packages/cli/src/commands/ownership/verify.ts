import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { requireNamespace } from '../../command-line/require-namespace.ts'
import { connect, type ServerValues } from '../../server/connection.ts'
import { printJson } from '../../terminal/table.ts'
import { cleanText } from '../../terminal/text.ts'

interface VerifyInput extends ServerValues {
  namespace: string
  id: string
  json: boolean
}

export async function run({ namespace, id, json, ...server }: VerifyInput, io: CliIo): Promise<number> {
  requireNamespace(namespace)
  const proof = await (await connect(server, io)).ownership.verify(namespace, id)
  const { isVerified, subject, problem } = proof
  if (json) printJson(io, { proof })
  else if (isVerified) io.stdout.write(cleanText(`${namespace} belongs to ${subject}`).concat('\n'))
  else io.stdout.write(cleanText(`not verified: ${problem ?? 'nothing was found'}`).concat('\n'))
  return isVerified ? EXIT_CODES.ok : EXIT_CODES.negative
}
