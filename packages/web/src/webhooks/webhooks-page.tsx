import { type Webhook, type WebhookSecret, WebhookTopic } from '@trainyard/contract'
import { Copyable } from '../components/copyable.tsx'
import { ConfirmedForm, Field, FormProblem, Note } from '../components/form.tsx'
import { RelativeTime } from '../components/time.tsx'
import { PeopleLayout } from '../people/people-layout.tsx'
import { Sentence } from '../words/sentence.tsx'
import { t } from '../words/t.ts'

/** What was submitted, so that the form keeps it after an error. */
export interface WebhookForm {
  url: string
  description: string
  events: readonly string[]
}

export interface WebhooksPageProps {
  assetUrl: (name: string) => string
  namespace: string
  webhooks: readonly Webhook[]
  now: Date
  form?: WebhookForm | undefined
  problem?: string | undefined
  /** What was just done. */
  note?: string | undefined
  /** A webhook whose secret was just made. */
  made?: WebhookSecret | undefined
}

const topics = (): Readonly<Record<WebhookTopic, string>> => ({
  'version.pushed': t('A version was pushed'),
  'version.published': t('A version was published'),
  'version.rejected': t('A version was rejected'),
  'version.finding': t('A scanner found something in a published version'),
  'version.deprecated': t('A version was deprecated'),
  'version.yanked': t('A version was yanked'),
  'version.restored': t('A deprecation or a yank was withdrawn'),
})

export const webhooksPath = (namespace: string) => `/organisations/${encodeURIComponent(namespace)}/webhooks`

/** The addresses that are notified of what happens to the trainers of an organisation. */
export function WebhooksPage(props: WebhooksPageProps) {
  const { assetUrl, namespace, webhooks, now, form, problem, note, made } = props
  return (
    <PeopleLayout
      assetUrl={assetUrl}
      part="organisations"
      title={t('Webhooks of {namespace}', { namespace })}
      lead={
        <Sentence
          text="Addresses that are notified of what happens to the trainers of {namespace}."
          namespace={<a href={`/organisations/${encodeURIComponent(namespace)}`}>{namespace}</a>}
        />
      }
    >
      {note !== undefined && (
        <Note>
          <p>{note}</p>
        </Note>
      )}
      {made !== undefined && (
        <Note>
          <p>{t('Copy the secret now: it is not shown again. It verifies the signatures of the deliveries.')}</p>
          <Copyable label={t('Secret')} text={made.secret} />
        </Note>
      )}
      <section>
        <h2>{t('Addresses')}</h2>
        {webhooks.length === 0 ? (
          <p class="muted">{t('No address is notified yet.')}</p>
        ) : (
          <ul class="rows">
            {webhooks.map((webhook) => (
              <WebhookRow webhook={webhook} now={now} />
            ))}
          </ul>
        )}
      </section>
      <AddForm namespace={namespace} form={form} problem={problem} />
    </PeopleLayout>
  )
}

function WebhookRow({ webhook, now }: { webhook: Webhook; now: Date }) {
  const { id, namespace, url, description, events, createdAt, failingSince, disabledReason } = webhook
  const path = `${webhooksPath(namespace)}/${encodeURIComponent(id)}`
  return (
    <li>
      <div>
        <h3>
          <a href={path}>{description ?? url}</a>
        </h3>
        <ul class="facts">
          {description !== undefined && <li>{url}</li>}
          <li>{events === undefined ? t('every event') : events.join(', ')}</li>
          <li>
            <Sentence text="created {when}" when={<RelativeTime at={createdAt} now={now} />} />
          </li>
        </ul>
        {disabledReason !== undefined ? (
          <p class="form-problem">
            {t('Nothing is sent any more: {reason}. A test that succeeds starts it again.', { reason: disabledReason })}
          </p>
        ) : (
          failingSince !== undefined && (
            <p class="form-problem">
              <Sentence
                text="No delivery has succeeded since {when}."
                when={<RelativeTime at={failingSince} now={now} />}
              />
            </p>
          )
        )}
      </div>
      <form method="post" action={`${path}/test`}>
        <button type="submit" class="quiet" aria-label={t('Send a test: {url}', { url })}>
          {t('Send a test')}
        </button>
      </form>
      <ConfirmedForm
        id={`rotate-${id}`}
        action={`${path}/rotate`}
        verb={t('New secret')}
        subject={url}
        question={t('Replace the secret?')}
      >
        <p>{t('For a day, deliveries are signed with the old secret as well.')}</p>
      </ConfirmedForm>
      <ConfirmedForm
        id={`remove-${id}`}
        action={`${path}/remove`}
        verb={t('Remove')}
        subject={url}
        question={t('Remove the webhook to {host}?', { host: new URL(url).host })}
      >
        <p>{t('The address gets nothing more, and the list of its deliveries is removed.')}</p>
      </ConfirmedForm>
    </li>
  )
}

function AddForm({ namespace, form, problem }: Pick<WebhooksPageProps, 'namespace' | 'form' | 'problem'>) {
  return (
    <section>
      <h2>{t('Add an address')}</h2>
      <form class="stacked" method="post" action={webhooksPath(namespace)}>
        <FormProblem text={problem} />
        <Field
          name="url"
          label={t('Address')}
          required
          maxlength={2000}
          autocomplete="off"
          value={form?.url}
          hint={t('https:// on the public internet. The operator can allow others')}
        />
        <Field
          name="description"
          label={t('Description')}
          maxlength={200}
          autocomplete="off"
          value={form?.description}
          hint={t('What it is for. May stay empty')}
        />
        <fieldset>
          <legend>{t('Events')}</legend>
          <p class="muted">{t('Without a choice, every event, also kinds that are added later.')}</p>
          <div class="choices">
            {WebhookTopic.options.map((topic) => (
              <label>
                <input type="checkbox" name="events" value={topic} checked={form?.events.includes(topic) ?? false} />
                <span>
                  {topics()[topic]} <code>{topic}</code>
                </span>
              </label>
            ))}
          </div>
        </fieldset>
        <div>
          <button type="submit">{t('Add the address')}</button>
        </div>
      </form>
    </section>
  )
}
