import type { Publisher } from '@trainyard/contract'
import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { requireTrainerName } from '../../command-line/require-trainer-name.ts'
import { connect, type ServerValues } from '../../server/connection.ts'
import { printJson, printTable } from '../../terminal/table.ts'
import { formatTime } from '../../terminal/text.ts'
import { describeConditions } from './describe-conditions.ts'

interface ListInput extends ServerValues {
  trainer: string
  json: boolean
}

export async function run({ trainer, json, ...server }: ListInput, io: CliIo): Promise<number> {
  requireTrainerName(trainer)
  const publishers = await (await connect(server, io)).publishing.publishers(trainer)
  if (json) printJson(io, { publishers })
  else if (publishers.length === 0) io.stdout.write('No publishers. Add one: trainyard publishers add --help\n')
  else
    printTable(io, [
      ['id', 'issuer', 'repository', 'jobs', 'last use', 'last refusal'],
      ...publishers.map((publisher) => [
        publisher.id,
        publisher.issuer,
        publisher.repository,
        describeConditions(publisher),
        publisher.lastUse === undefined ? 'never' : formatTime(publisher.lastUse.at),
        describeRefusal(publisher),
      ]),
    ])
  return EXIT_CODES.ok
}

function describeRefusal({ lastRefusal }: Publisher): string {
  return lastRefusal === undefined ? '-' : `${formatTime(lastRefusal.at)}: ${lastRefusal.reasons.join('; ')}`
}
