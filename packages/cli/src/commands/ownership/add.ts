import { AddProofRequest } from '@trainyard/contract'
import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { requireNamespace } from '../../command-line/require-namespace.ts'
import { UsageError } from '../../errors.ts'
import { connect, type ServerValues } from '../../server/connection.ts'
import { printJson } from '../../terminal/table.ts'
import { cleanText } from '../../terminal/text.ts'

interface AddInput extends ServerValues {
  namespace: string
  domain: string | undefined
  repository: string | undefined
  json: boolean
}

export async function run({ namespace, domain, repository, json, ...server }: AddInput, io: CliIo): Promise<number> {
  requireNamespace(namespace)
  if ((domain === undefined) === (repository === undefined))
    throw new UsageError('use one of --domain DOMAIN and --repository HOST/OWNER/NAME')
  const request = domain === undefined ? { kind: 'repository', repository } : { kind: 'dns', domain }
  const parsed = AddProofRequest.safeParse(request)
  if (!parsed.success) {
    const name = domain === undefined ? 'repository' : 'domain'
    throw new UsageError(`--${name} is "${domain ?? repository}": it ${parsed.error.issues[0]?.message}`)
  }
  const proof = await (await connect(server, io)).ownership.add(namespace, parsed.data)
  if (json) printJson(io, { proof })
  else {
    const place =
      proof.kind === 'dns'
        ? `Set the TXT record ${proof.place} to`
        : `In the file ${proof.place} at the top of the default branch, write the line`
    io.stdout.write(
      `added ${proof.id}. ${cleanText(place)}\n  ${cleanText(proof.value)}\nThen: trainyard ownership verify ${namespace} ${proof.id}\n`,
    )
  }
  return EXIT_CODES.ok
}
