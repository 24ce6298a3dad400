import { setTimeout as sleep } from 'node:timers/promises'
import type { WebhooksClient } from '@trainyard/client'
import type { WebhookDelivery } from '@trainyard/contract'
import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { printJson } from '../../terminal/table.ts'
import { cleanText } from '../../terminal/text.ts'

const POLL_MS = 250
/** Longer than one try can take. */
const MAX_POLLS = 240

/** Waits for the first try of a delivery that begins now, and prints how it went. */
export async function followDelivery(
  io: CliIo,
  { webhooks, namespace, id, started, json }: FollowOptions,
): Promise<number> {
  let delivery = started
  const isTried = () => delivery.lastTry?.at !== started.lastTry?.at
  for (let polls = 0; !isTried() && polls < MAX_POLLS; polls += 1) {
    await sleep(POLL_MS)
    delivery = (await webhooks.deliveries(namespace, id)).find((one) => one.id === started.id) ?? delivery
  }
  const isDelivered = isTried() && delivery.state === 'delivered'
  if (json) printJson(io, { delivery })
  else {
    const words = isDelivered ? 'was delivered' : isTried() ? 'was not delivered' : 'was not sent yet'
    io.stdout.write(`${delivery.id} ${words}: ${cleanText(describeTry(delivery))}\n`)
  }
  return isDelivered ? EXIT_CODES.ok : EXIT_CODES.negative
}

interface FollowOptions {
  webhooks: WebhooksClient
  namespace: string
  id: string
  /** The delivery as it was when it was put in the queue. */
  started: WebhookDelivery
  json: boolean
}

/** `200 in 31 ms` */
export function describeTry({ lastTry }: WebhookDelivery): string {
  if (lastTry === undefined) return 'no try yet'
  const { status, error, durationMs } = lastTry
  return `${[status, error].filter((part) => part !== undefined).join(' ')} in ${durationMs} ms`
}
