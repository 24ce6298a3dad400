import type { OwnershipProof } from '@trainyard/contract'
import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { requireNamespace } from '../../command-line/require-namespace.ts'
import { connect, type ServerValues } from '../../server/connection.ts'
import { printJson, printTable } from '../../terminal/table.ts'
import { formatTime } from '../../terminal/text.ts'

interface ListInput extends ServerValues {
  namespace: string
  json: boolean
}

export async function run({ namespace, json, ...server }: ListInput, io: CliIo): Promise<number> {
  requireNamespace(namespace)
  const proofs = await (await connect(server, io)).ownership.list(namespace)
  if (json) printJson(io, { proofs })
  else if (proofs.length === 0) io.stdout.write('No proofs. Add one: trainyard ownership add --help\n')
  else
    printTable(io, [
      ['id', 'belongs to', 'found in', 'state'],
      ...proofs.map((proof) => [proof.id, proof.subject, proof.place, describeState(proof)]),
    ])
  return EXIT_CODES.ok
}

function describeState({ isVerified, verifiedAt, problem }: OwnershipProof): string {
  if (isVerified) return verifiedAt === undefined ? 'verified' : `verified ${formatTime(verifiedAt)}`
  return problem ?? 'not looked for yet'
}
