import { TrainyardClientError } from '@trainyard/client'
import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { requireTrainerName } from '../../command-line/require-trainer-name.ts'
import { exchangeJobToken } from '../../publish/exchange-job-token.ts'
import { findRegistry } from '../../server/connection.ts'
import { printJson } from '../../terminal/table.ts'

interface ExchangeInput {
  trainer: string
  url: string | undefined
  json: boolean
}

export async function run({ trainer, url, json }: ExchangeInput, io: CliIo): Promise<number> {
  requireTrainerName(trainer)
  const { registryUrl } = await findRegistry({ url, token: undefined }, io)
  const secret = await exchangeJobToken(registryUrl, trainer, io)
  if (secret === undefined)
    throw new TrainyardClientError(
      'no_token',
      'there is no OIDC token of a job: GitHub offers one with "permissions: id-token: write"; in other CIs, set TRAINYARD_ID_TOKEN',
    )
  if (json) printJson(io, { trainer, secret })
  else io.stdout.write(`${secret}\n`)
  return EXIT_CODES.ok
}
