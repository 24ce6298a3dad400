import type { Webhook } from '@trainyard/contract'
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
  const webhooks = await (await connect(server, io)).webhooks.list(namespace)
  if (json) printJson(io, { webhooks })
  else if (webhooks.length === 0) io.stdout.write('No webhooks. Add one: trainyard webhooks add --help\n')
  else
    printTable(io, [
      ['id', 'address', 'events', 'description', 'state'],
      ...webhooks.map((webhook) => [
        webhook.id,
        webhook.url,
        webhook.events?.join(' ') ?? 'all',
        webhook.description ?? '-',
        describeState(webhook),
      ]),
    ])
  return EXIT_CODES.ok
}

function describeState({ failingSince, disabledReason }: Webhook): string {
  if (disabledReason !== undefined) return `given up: ${disabledReason}`
  return failingSince === undefined ? 'works' : `fails since ${formatTime(failingSince)}`
}
