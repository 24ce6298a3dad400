import { createHmac, randomBytes } from 'node:crypto'

const PREFIX = 'whsec_'

export const newWebhookSecret = (): string => `${PREFIX}${randomBytes(32).toString('base64')}`

/** The header `webhook-signature` of Standard Webhooks: one signature for each secret that is valid. */
export function signWebhook(
  secrets: readonly string[],
  { id, at, body }: { id: string; at: number; body: string },
): string {
  return secrets
    .map((secret) => {
      const key = Buffer.from(secret.slice(PREFIX.length), 'base64')
      return `v1,${createHmac('sha256', key).update(`${id}.${at}.${body}`).digest('base64')}`
    })
    .join(' ')
}
