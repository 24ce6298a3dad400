import type { CliIo } from '../../command-line/io.ts'
import { requireNamespace } from '../../command-line/require-namespace.ts'
import { connect, type ServerValues } from '../../server/connection.ts'
import { followDelivery } from './follow-delivery.ts'

interface ReplayInput extends ServerValues {
  namespace: string
  id: string
  delivery: string
  json: boolean
}

export async function run({ namespace, id, delivery, json, ...server }: ReplayInput, io: CliIo): Promise<number> {
  requireNamespace(namespace)
  const { webhooks } = await connect(server, io)
  const started = await webhooks.replay(namespace, id, delivery)
  return await followDelivery(io, { webhooks, namespace, id, json, started })
}
