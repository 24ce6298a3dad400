import type { WebhookDelivery } from '@trainyard/contract'
import { AddressList, requestOutside } from '@trainyard/platform'
import type { RegistryContext } from '../context.ts'
import type { ClaimedDelivery } from './claim-delivery.ts'
import { signWebhook } from './sign.ts'

/** Sends a delivery once. A refusal is a result, not an error. */
export async function sendDelivery(
  { config, clock }: RegistryContext,
  { id, url, body, secret, old_secret, old_secret_until }: ClaimedDelivery,
): Promise<NonNullable<WebhookDelivery['lastTry']>> {
  const now = clock.now()
  const at = Math.floor(now.getTime() / 1000)
  const isOldValid = old_secret !== null && old_secret_until !== null && old_secret_until > now
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'trainyard-registry',
    'webhook-id': id,
    'webhook-timestamp': String(at),
    'webhook-signature': signWebhook(isOldValid ? [secret, old_secret] : [secret], { id, at, body }),
  }
  const startedMs = performance.now()
  const ended = () => ({ at: now.toISOString(), durationMs: Math.round(performance.now() - startedMs), url, headers })
  try {
    const allowed = config.outboundAllow ?? new AddressList()
    const { status, text } = await requestOutside({ method: 'POST', url, headers, body, allowed })
    const error = status >= 200 && status <= 299 ? undefined : `the address answered ${status}`
    return { ...ended(), status, answer: text, error }
  } catch (cause) {
    return { ...ended(), error: (cause instanceof Error ? cause.message : String(cause)).slice(0, 300) }
  }
}
