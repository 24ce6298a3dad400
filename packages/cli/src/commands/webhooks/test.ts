import type { CliIo } from '../../command-line/io.ts'
import { requireNamespace } from '../../command-line/require-namespace.ts'
import { connect, type ServerValues } from '../../server/connection.ts'
import { followDelivery } from './follow-delivery.ts'

interface TestInput extends ServerValues {
  namespace: string
  id: string
  json: boolean
}

export async function run({ namespace, id, json, ...server }: TestInput, io: CliIo): Promise<number> {
  requireNamespace(namespace)
  const { webhooks } = await connect(server, io)
  return await followDelivery(io, { webhooks, namespace, id, json, started: await webhooks.test(namespace, id) })
}
