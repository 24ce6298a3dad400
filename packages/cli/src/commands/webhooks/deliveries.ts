import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { requireNamespace } from '../../command-line/require-namespace.ts'
import { connect, type ServerValues } from '../../server/connection.ts'
import { printJson, printTable } from '../../terminal/table.ts'
import { formatTime } from '../../terminal/text.ts'
import { describeTry } from './follow-delivery.ts'

interface DeliveriesInput extends ServerValues {
  namespace: string
  id: string
  json: boolean
}

export async function run({ namespace, id, json, ...server }: DeliveriesInput, io: CliIo): Promise<number> {
  requireNamespace(namespace)
  const deliveries = await (await connect(server, io)).webhooks.deliveries(namespace, id)
  if (json) printJson(io, { deliveries })
  else if (deliveries.length === 0) io.stdout.write('No deliveries. Send one: trainyard webhooks test --help\n')
  else
    printTable(io, [
      ['id', 'event', 'trainer', 'created', 'state', 'tries', 'last answer'],
      ...deliveries.map((delivery) => [
        delivery.id,
        delivery.type,
        [delivery.event.data.trainer, delivery.event.data.version].filter(Boolean).join('@') || '-',
        formatTime(delivery.createdAt),
        delivery.state,
        delivery.tries,
        describeTry(delivery),
      ]),
    ])
  return EXIT_CODES.ok
}
