import type { Webhook, WebhookDelivery } from '@trainyard/contract'
import { FormProblem, Note } from '../components/form.tsx'
import { RelativeTime } from '../components/time.tsx'
import { PeopleLayout } from '../people/people-layout.tsx'
import { webhooksPath } from './webhooks-page.tsx'

export interface DeliveriesPageProps {
  assetUrl: (name: string) => string
  webhook: Webhook
  deliveries: readonly WebhookDelivery[]
  now: Date
  problem?: string | undefined
  note?: string | undefined
}

const STATES = { waiting: 'Waiting', delivered: 'Delivered', failed: 'Failed' } as const

/** What was sent to one address, with the requests and the answers. */
export function DeliveriesPage({ assetUrl, webhook, deliveries, now, problem, note }: DeliveriesPageProps) {
  const { id, namespace, url, description } = webhook
  return (
    <PeopleLayout
      assetUrl={assetUrl}
      part="organisations"
      title={description ?? `Webhook to ${new URL(url).host}`}
      lead={
        <>
          The last deliveries to <code>{url}</code>, one of the{' '}
          <a href={webhooksPath(namespace)}>webhooks of {namespace}</a>.
        </>
      }
    >
      {note !== undefined && (
        <Note>
          <p>{note}</p>
        </Note>
      )}
      <FormProblem text={problem} />
      {deliveries.length === 0 && <p class="muted">Nothing was sent yet.</p>}
      {deliveries.map((delivery) => (
        <Delivery delivery={delivery} path={`${webhooksPath(namespace)}/${encodeURIComponent(id)}`} now={now} />
      ))}
    </PeopleLayout>
  )
}

function Delivery({ delivery, path, now }: { delivery: WebhookDelivery; path: string; now: Date }) {
  const { id, type, state, tries, createdAt, nextTryAt, event, lastTry } = delivery
  const { trainer, version } = event.data
  return (
    <section aria-labelledby={id}>
      <h2 id={id}>
        {type}
        {trainer !== undefined && ` ${trainer} ${version ?? ''}`}
      </h2>
      <ul class="facts">
        <li>{STATES[state]}</li>
        <li>
          <RelativeTime at={createdAt} now={now} />
        </li>
        <li>
          {tries} {tries === 1 ? 'try' : 'tries'}
        </li>
        {lastTry?.status !== undefined && <li>answer {lastTry.status}</li>}
        {lastTry !== undefined && <li>{lastTry.durationMs} ms</li>}
        {nextTryAt !== undefined && tries > 0 && (
          <li>
            next try <RelativeTime at={nextTryAt} now={now} />
          </li>
        )}
      </ul>
      {lastTry?.error !== undefined && <p class="form-problem">{lastTry.error}</p>}
      <details>
        <summary>Request and answer</summary>
        <Lines label="Request" text={requestOf(delivery)} />
        {lastTry?.answer !== undefined && lastTry.answer !== '' && <Lines label="Answer" text={lastTry.answer} />}
      </details>
      <form method="post" action={`${path}/deliveries/${encodeURIComponent(id)}/replay`}>
        <button type="submit" class="quiet" aria-label={`Send again: ${type} ${id}`}>
          Send again
        </button>
      </form>
    </section>
  )
}

function Lines({ label, text }: { label: string; text: string }) {
  return (
    <>
      <h3>{label}</h3>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for form controls; this can scroll and needs focus and a name */}
      <pre tabindex={0} role="group" aria-label={label}>
        <code>{text}</code>
      </pre>
    </>
  )
}

function requestOf({ event, lastTry }: WebhookDelivery): string {
  const head =
    lastTry === undefined
      ? []
      : [`POST ${lastTry.url}`, ...Object.entries(lastTry.headers).map(([name, value]) => `${name}: ${value}`), '']
  return [...head, JSON.stringify(event, null, 2)].join('\n')
}
