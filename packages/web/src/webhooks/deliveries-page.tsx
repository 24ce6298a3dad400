import type { Webhook, WebhookDelivery } from '@trainyard/contract'
import { FormProblem, Note } from '../components/form.tsx'
import { RelativeTime } from '../components/time.tsx'
import { plural } from '../format.ts'
import { PeopleLayout } from '../people/people-layout.tsx'
import { Sentence } from '../words/sentence.tsx'
import { t } from '../words/t.ts'
import { webhooksPath } from './webhooks-page.tsx'

export interface DeliveriesPageProps {
  assetUrl: (name: string) => string
  webhook: Webhook
  deliveries: readonly WebhookDelivery[]
  now: Date
  problem?: string | undefined
  note?: string | undefined
}

const states = () => ({ waiting: t('Waiting'), delivered: t('Delivered'), failed: t('Failed') })

/** What was sent to one address, with the requests and the answers. */
export function DeliveriesPage({ assetUrl, webhook, deliveries, now, problem, note }: DeliveriesPageProps) {
  const { id, namespace, url, description } = webhook
  return (
    <PeopleLayout
      assetUrl={assetUrl}
      part="organisations"
      title={description ?? t('Webhook to {host}', { host: new URL(url).host })}
      lead={
        <Sentence
          text="The last deliveries to {url}, one of the {webhooks}."
          url={<code>{url}</code>}
          webhooks={<a href={webhooksPath(namespace)}>{t('webhooks of {namespace}', { namespace })}</a>}
        />
      }
    >
      {note !== undefined && (
        <Note>
          <p>{note}</p>
        </Note>
      )}
      <FormProblem text={problem} />
      {deliveries.length === 0 && <p class="muted">{t('Nothing was sent yet.')}</p>}
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
        <li>{states()[state]}</li>
        <li>
          <RelativeTime at={createdAt} now={now} />
        </li>
        <li>{plural(tries, '{count} try', '{count} tries')}</li>
        {lastTry?.status !== undefined && <li>{t('answer {status}', { status: lastTry.status })}</li>}
        {lastTry !== undefined && <li>{lastTry.durationMs} ms</li>}
        {nextTryAt !== undefined && tries > 0 && (
          <li>
            <Sentence text="next try {when}" when={<RelativeTime at={nextTryAt} now={now} />} />
          </li>
        )}
      </ul>
      {lastTry?.error !== undefined && <p class="form-problem">{lastTry.error}</p>}
      <details>
        <summary>{t('Request and answer')}</summary>
        <Lines label={t('Request')} text={requestOf(delivery)} />
        {lastTry?.answer !== undefined && lastTry.answer !== '' && <Lines label={t('Answer')} text={lastTry.answer} />}
      </details>
      <form method="post" action={`${path}/deliveries/${encodeURIComponent(id)}/replay`}>
        <button type="submit" class="quiet" aria-label={t('Send again: {delivery}', { delivery: `${type} ${id}` })}>
          {t('Send again')}
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
