import { CreateWebhookRequest, WebhookTopic } from '@trainyard/contract'
import { suggest } from '@trainyard/contract/format'
import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { requireNamespace } from '../../command-line/require-namespace.ts'
import { UsageError } from '../../errors.ts'
import { connect, type ServerValues } from '../../server/connection.ts'
import { printSecret } from './print-secret.ts'

interface AddInput extends ServerValues {
  namespace: string
  address: string
  description: string | undefined
  event: string[]
  json: boolean
}

export async function run(
  { namespace, address, description, event, json, ...server }: AddInput,
  io: CliIo,
): Promise<number> {
  requireNamespace(namespace)
  const request = { url: address, description, events: event.length === 0 ? undefined : event }
  const parsed = CreateWebhookRequest.safeParse(request)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    if (issue?.path[0] === 'url') throw new UsageError(`ADDRESS is "${address}": it ${issue.message}`)
    if (issue?.path[0] === 'description') throw new UsageError(`--description is "${description}": it ${issue.message}`)
    const wrong = event.find((one) => !WebhookTopic.safeParse(one).success) ?? ''
    throw new UsageError(
      `--event is "${wrong}": expected one of ${WebhookTopic.options.join(', ')}${suggest(wrong, WebhookTopic.options)}`,
    )
  }
  const created = await (await connect(server, io)).webhooks.create(namespace, parsed.data)
  printSecret(io, created, { json, words: `added ${created.webhook.id}` })
  return EXIT_CODES.ok
}
