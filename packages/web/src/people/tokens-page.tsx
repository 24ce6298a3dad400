import type { ApiToken, CreatedToken, Me } from '@trainyard/contract'
import { Copyable } from '../components/copyable.tsx'
import { ConfirmedForm, Field, FormProblem, Note } from '../components/form.tsx'
import { RelativeTime } from '../components/time.tsx'
import { Sentence } from '../words/sentence.tsx'
import { t } from '../words/t.ts'
import { PeopleLayout } from './people-layout.tsx'

/** What was submitted, so that the form keeps it after an error. */
export interface TokenForm {
  name: string
  scopes: readonly string[]
  moreScopes: string
  place: string
  days: string
}

const EMPTY_TOKEN_FORM: TokenForm = { name: '', scopes: [], moreScopes: '', place: '', days: '90' }

export interface TokensPageProps {
  assetUrl: (name: string) => string
  me: Me
  tokens: readonly ApiToken[]
  now: Date
  form?: TokenForm
  /** Why the token was not created or not revoked. */
  problem?: string | undefined
  made?: CreatedToken | undefined
  revoked?: boolean
}

const SCOPES = [
  ['jobs:read', 'Read jobs'],
  ['jobs:write', 'Start, cancel and delete jobs'],
  ['datasets:read', 'Read datasets'],
  ['datasets:write', 'Upload and delete datasets'],
  ['pull:*', 'Pull trainers'],
  ['push:*', 'Push trainers'],
  ['tokens:manage', 'Create and revoke tokens'],
  ['admin:*', 'Everything you can do'],
] as const

const LIVES = [
  ['7', '7 days'],
  ['30', '30 days'],
  ['90', '90 days'],
  ['365', '1 year'],
  ['', 'Never'],
] as const

export function TokensPage(props: TokensPageProps) {
  const { assetUrl, me, tokens, now, form = EMPTY_TOKEN_FORM, problem, made, revoked = false } = props
  return (
    <PeopleLayout
      assetUrl={assetUrl}
      part="tokens"
      title={t('Tokens')}
      lead={t(
        'For programs that act on your behalf. A token is limited to its scopes, and never exceeds your own permissions.',
      )}
    >
      {made !== undefined && (
        <Note>
          <p>
            <Sentence
              text="Token {name} created. Copy the secret now: it is not shown again."
              name={<strong>{made.name}</strong>}
            />
          </p>
          <Copyable label={t('Secret')} text={made.secret} />
        </Note>
      )}
      {revoked && (
        <Note>
          <p>{t('Token revoked.')}</p>
        </Note>
      )}
      <section>
        <h2>{t('Your tokens')}</h2>
        {tokens.length === 0 ? (
          <p class="muted">{t('You have no tokens.')}</p>
        ) : (
          <ul class="rows">
            {tokens.map((token) => (
              <TokenRow token={token} now={now} />
            ))}
          </ul>
        )}
      </section>
      <section>
        <h2>{t('Create a token')}</h2>
        <form class="stacked" method="post" action="/account/tokens">
          <FormProblem text={problem} />
          <Field
            name="name"
            label={t('Name')}
            required
            maxlength={100}
            autocomplete="off"
            value={form.name}
            hint={t('What it is for, such as “nightly training”.')}
          />
          <Scopes form={form} />
          <div class="pair">
            <div class="field">
              <label for="place">{t('Valid in')}</label>
              <select id="place" name="place">
                {places(me).map(([value, word]) => (
                  <option value={value} selected={value === form.place}>
                    {word}
                  </option>
                ))}
              </select>
            </div>
            <div class="field">
              <label for="days">{t('Expires after')}</label>
              <select id="days" name="days">
                {LIVES.map(([value, word]) => (
                  <option value={value} selected={value === form.days}>
                    {t(word)}
                  </option>
                ))}
              </select>
            </div>
          </div>
          <div>
            <button type="submit">{t('Create token')}</button>
          </div>
        </form>
      </section>
    </PeopleLayout>
  )
}

function Scopes({ form }: { form: TokenForm }) {
  return (
    <fieldset>
      <legend>{t('Scopes')}</legend>
      <div class="choices">
        {SCOPES.map(([scope, words]) => (
          <label>
            <input type="checkbox" name="scopes" value={scope} checked={form.scopes.includes(scope)} />
            <span>
              {t(words)} <code>{scope}</code>
            </span>
          </label>
        ))}
      </div>
      <Field
        name="moreScopes"
        label={t('Other scopes')}
        autocomplete="off"
        maxlength={1000}
        value={form.moreScopes}
        hint={t('Separated by spaces. push:my-team, pull:my-team and admin:my-team are limited to one namespace.')}
      />
    </fieldset>
  )
}

/** Values are "organisation" or "organisation/project". */
function places(me: Me): [string, string][] {
  return [
    ['', t('All your organisations')],
    ...me.organisations.map(({ slug }): [string, string] => [slug, t('Organisation {name}', { name: slug })]),
    ...me.projects.map(({ name }): [string, string] => [name, t('Project {name}', { name })]),
  ]
}

function creator({ credentials, id, name }: NonNullable<ApiToken['createdBy']>): string {
  if (credentials === 'token') return t('the token {name}', { name: name ?? id ?? '' })
  return { session: t('you, signed in'), local: t('you, on this machine'), issuer: t('you, signed in elsewhere') }[
    credentials
  ]
}

function TokenRow({ token, now }: { token: ApiToken; now: Date }) {
  const isOver = token.expiresAt !== undefined && new Date(token.expiresAt) <= now
  return (
    <li>
      <div>
        <h3>{token.name}</h3>
        <p class="scopes">
          {token.scopes.map((scope) => (
            <code>{scope}</code>
          ))}
        </p>
        <ul class="facts">
          <li>{token.project ?? token.organisation ?? t('everywhere')}</li>
          <li>
            <Sentence text="created {when}" when={<RelativeTime at={token.createdAt} now={now} />} />
          </li>
          {token.createdBy !== undefined && (
            <li>{t('created by {createdBy}', { createdBy: creator(token.createdBy) })}</li>
          )}
          <li>
            {token.lastUsedAt === undefined ? (
              t('never used')
            ) : (
              <Sentence text="last used {when}" when={<RelativeTime at={token.lastUsedAt} now={now} />} />
            )}
          </li>
          <li>
            {token.expiresAt === undefined ? (
              t('never expires')
            ) : (
              <>
                {isOver ? t('expired') : t('expires')} <RelativeTime at={token.expiresAt} now={now} />
              </>
            )}
          </li>
        </ul>
      </div>
      <ConfirmedForm
        id={`revoke-${token.id}`}
        action={`/account/tokens/${encodeURIComponent(token.id)}/revoke`}
        verb={t('Revoke')}
        subject={token.name}
        question={t('Revoke “{name}”?', { name: token.name })}
      >
        <p>
          {t('Programs that use this token, or a token that it created, lose access at once. This cannot be undone.')}
        </p>
      </ConfirmedForm>
    </li>
  )
}
