import type { Me, SessionInfo } from '@trainyard/contract'
import { Copyable } from '../components/copyable.tsx'
import { ConfirmedForm, Field, FormProblem, Note } from '../components/form.tsx'
import { RelativeTime } from '../components/time.tsx'
import { formatInstant } from '../format.ts'
import { Sentence } from '../words/sentence.tsx'
import { t } from '../words/t.ts'
import { PASSWORD_HINT } from './password-hint.ts'
import { PeopleLayout } from './people-layout.tsx'

/** The forms of the page. */
export type AccountForm = 'password' | 'sessions' | 'reset' | 'invite'

export interface AccountPageProps {
  assetUrl: (name: string) => string
  me: Me
  sessions: readonly SessionInfo[]
  now: Date
  /** The action that was just completed. */
  done?: 'password' | 'session' | undefined
  /** The form that was rejected, and why. */
  refused?: { form: AccountForm; problem: string; email?: string } | undefined
  /** A one-time link to choose a password. Shown once. */
  link?: { url: string; expiresAt: string; name: string } | undefined
}

export function AccountPage({ assetUrl, me, sessions, now, done, refused, link }: AccountPageProps) {
  const { account } = me
  const problemOf = (form: AccountForm) => (refused?.form === form ? refused.problem : undefined)
  return (
    <PeopleLayout assetUrl={assetUrl} part="account" title={account?.displayName ?? t('Account')} lead={account?.email}>
      {done !== undefined && (
        <Note>
          <p>
            {done === 'password' ? t('Password changed. Your other sessions were signed out.') : t('Session ended.')}
          </p>
        </Note>
      )}
      {link !== undefined && (
        <Note>
          <p>
            {t('Send this link to {name} only. It works once, until {expiresAt}, and is not shown again.', {
              name: link.name,
              expiresAt: formatInstant(link.expiresAt),
            })}
          </p>
          <Copyable label={t('Password link')} text={link.url} />
        </Note>
      )}
      {/* The local owner and people of other issuers have no email, and no password here. */}
      {account?.email !== undefined && <Password problem={problemOf('password')} email={account.email} />}
      <Sessions sessions={sessions} now={now} problem={problemOf('sessions')} />
      {account?.operator === true && <Operator problemOf={problemOf} email={refused?.email} />}
      <section>
        <h2>{t('Sign out')}</h2>
        <form method="post" action="/sign-out">
          <button class="quiet" type="submit">
            {t('Sign out of this browser')}
          </button>
        </form>
      </section>
    </PeopleLayout>
  )
}

function Password({ problem, email }: { problem: string | undefined; email: string | undefined }) {
  return (
    <section>
      <h2>{t('Change password')}</h2>
      <form class="stacked" method="post" action="/account/password">
        <FormProblem text={problem} />
        {/* Password managers need the user name beside the password. */}
        <input type="hidden" name="username" autocomplete="username" value={email} />
        <Field
          name="currentPassword"
          label={t('Current password')}
          type="password"
          autocomplete="current-password"
          required
          maxlength={200}
          invalid={problem !== undefined}
        />
        <Field
          name="newPassword"
          label={t('New password')}
          type="password"
          autocomplete="new-password"
          required
          minlength={10}
          maxlength={200}
          hint={`${t(PASSWORD_HINT)} ${t('Your other sessions are signed out.')}`}
        />
        <div>
          <button type="submit">{t('Change password')}</button>
        </div>
      </form>
    </section>
  )
}

interface SessionsProps {
  sessions: readonly SessionInfo[]
  now: Date
  problem: string | undefined
}

function Sessions({ sessions, now, problem }: SessionsProps) {
  return (
    <section>
      <h2>{t('Sessions')}</h2>
      <FormProblem text={problem} />
      <ul class="rows">
        {sessions.map((session) => (
          <li>
            <div>
              <h3>{session.current ? t('This browser') : t('Another browser')}</h3>
              <ul class="facts">
                <li>
                  <Sentence text="signed in {when}" when={<RelativeTime at={session.createdAt} now={now} />} />
                </li>
                {session.lastUsedAt !== undefined && (
                  <li>
                    <Sentence text="last used {when}" when={<RelativeTime at={session.lastUsedAt} now={now} />} />
                  </li>
                )}
                <li>
                  <Sentence text="expires {when}" when={<RelativeTime at={session.expiresAt} now={now} />} />
                </li>
              </ul>
            </div>
            {!session.current && (
              <ConfirmedForm
                id={`end-${session.id}`}
                action={`/account/sessions/${encodeURIComponent(session.id)}/end`}
                verb={t('End')}
                subject={t('the session of {createdAt}', { createdAt: formatInstant(session.createdAt) })}
                question={t('End this session?')}
              >
                <p>{t('That browser is signed out. What is typed into its forms and not yet sent may be lost.')}</p>
              </ConfirmedForm>
            )}
          </li>
        ))}
      </ul>
    </section>
  )
}

interface OperatorProps {
  problemOf: (form: AccountForm) => string | undefined
  email: string | undefined
}

/** No mail is sent: the operator passes the link on. */
function Operator({ problemOf, email }: OperatorProps) {
  const invite = problemOf('invite')
  const reset = problemOf('reset')
  return (
    <section>
      <h2>{t('Accounts')}</h2>
      <p class="muted">
        {t(
          'You are an operator. Each form creates a one-time link to choose a password; send it to the account’s owner.',
        )}
      </p>
      <div class="halves">
        <form class="stacked" method="post" action="/account/invite">
          <h3>{t('Create an account')}</h3>
          <FormProblem text={invite} />
          <Field name="displayName" label={t('Name')} autocomplete="off" maxlength={100} />
          <Field
            name="email"
            label={t('Email')}
            type="email"
            autocomplete="off"
            required
            maxlength={254}
            value={invite === undefined ? undefined : email}
            invalid={invite !== undefined}
          />
          <div>
            <button type="submit">{t('Create account')}</button>
          </div>
        </form>
        <form class="stacked" method="post" action="/account/reset-link">
          <h3>{t('Reset a password')}</h3>
          <FormProblem text={reset} />
          <Field
            name="resetEmail"
            label={t('Email of the account')}
            type="email"
            autocomplete="off"
            required
            maxlength={254}
            value={reset === undefined ? undefined : email}
            invalid={reset !== undefined}
          />
          <div>
            <button type="submit">{t('Create link')}</button>
          </div>
        </form>
      </div>
    </section>
  )
}
