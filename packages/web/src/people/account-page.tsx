import type { Me, SessionInfo } from '@trainyard/contract'
import { Copyable } from '../components/copyable.tsx'
import { Field, FormProblem, Note } from '../components/form.tsx'
import { RelativeTime } from '../components/time.tsx'
import { formatInstant } from '../format.ts'
import { PeopleLayout } from './people-layout.tsx'

/** The forms of the page. */
export type AccountForm = 'password' | 'sessions' | 'reset' | 'invite'

export interface AccountPageProps {
  assetUrl: (name: string) => string
  me: Me
  sessions: readonly SessionInfo[]
  now: Date
  /** What has just been done. */
  done?: 'password' | 'session' | undefined
  /** Why one of the forms was not taken. */
  refused?: { form: AccountForm; problem: string; email?: string } | undefined
  /** A link with which somebody chooses a password: shown this once. */
  link?: { url: string; expiresAt: string; name: string } | undefined
}

export function AccountPage({ assetUrl, me, sessions, now, done, refused, link }: AccountPageProps) {
  const { account } = me
  const isLocal = me.credentials === 'local'
  const problemOf = (form: AccountForm) => (refused?.form === form ? refused.problem : undefined)
  return (
    <PeopleLayout assetUrl={assetUrl} part="account" title={account?.displayName ?? 'Account'} lead={account?.email}>
      {done !== undefined && (
        <Note>
          <p>
            {done === 'password'
              ? 'Your new password holds. Your other sessions have ended.'
              : 'The session has ended.'}
          </p>
        </Note>
      )}
      {link !== undefined && (
        <Note>
          <p>
            Give this link to {link.name}, and to nobody else. It works once, until {formatInstant(link.expiresAt)}, and
            is not shown again.
          </p>
          <Copyable label="Link to choose a password" text={link.url} />
        </Note>
      )}
      {isLocal ? (
        <p>
          Whoever is on this machine is its owner: there is no password and nothing to sign in to. Set{' '}
          <code>AUTH=required</code> to have accounts.
        </p>
      ) : (
        <>
          <Password problem={problemOf('password')} email={account?.email} />
          <Sessions sessions={sessions} now={now} problem={problemOf('sessions')} />
        </>
      )}
      {account?.operator === true && <Operator problemOf={problemOf} email={refused?.email} />}
      {!isLocal && (
        <section>
          <h2>Leave</h2>
          <form method="post" action="/sign-out">
            <button class="quiet" type="submit">
              Sign out here
            </button>
          </form>
        </section>
      )}
    </PeopleLayout>
  )
}

function Password({ problem, email }: { problem: string | undefined; email: string | undefined }) {
  return (
    <section>
      <h2>Change the password</h2>
      <form class="stacked" method="post" action="/account/password">
        <FormProblem text={problem} />
        {/* Password managers ask whose password it is. */}
        <input type="hidden" name="username" autocomplete="username" value={email} />
        <Field
          name="currentPassword"
          label="The one you have"
          type="password"
          autocomplete="current-password"
          required
          maxlength={200}
          invalid={problem !== undefined}
        />
        <Field
          name="newPassword"
          label="The new one"
          type="password"
          autocomplete="new-password"
          required
          minlength={10}
          maxlength={200}
          hint="At least 10 characters: a few words are easy to keep in mind. Your other sessions end."
        />
        <div>
          <button type="submit">Change the password</button>
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
      <h2>Where you are signed in</h2>
      <FormProblem text={problem} />
      <ul class="rows">
        {sessions.map((session) => (
          <li>
            <div>
              <h3>{session.current ? 'This browser' : 'Another browser'}</h3>
              <ul class="facts">
                <li>
                  since <RelativeTime at={session.createdAt} now={now} />
                </li>
                {session.lastUsedAt !== undefined && (
                  <li>
                    last used <RelativeTime at={session.lastUsedAt} now={now} />
                  </li>
                )}
                <li>
                  ends <RelativeTime at={session.expiresAt} now={now} />
                </li>
              </ul>
            </div>
            {!session.current && (
              <form method="post" action={`/account/sessions/${encodeURIComponent(session.id)}/end`}>
                <button
                  class="quiet"
                  type="submit"
                  aria-label={`End: the session since ${formatInstant(session.createdAt)}`}
                >
                  End
                </button>
              </form>
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

/** There is no mail in the house: a person hands the link to a person. */
function Operator({ problemOf, email }: OperatorProps) {
  const invite = problemOf('invite')
  const reset = problemOf('reset')
  return (
    <section>
      <h2>People of this installation</h2>
      <p class="muted">You are its operator. Both forms give you a link with which that person chooses a password.</p>
      <div class="halves">
        <form class="stacked" method="post" action="/account/invite">
          <h3>Make an account</h3>
          <FormProblem text={invite} />
          <Field name="displayName" label="Name" autocomplete="off" maxlength={100} />
          <Field
            name="email"
            label="Email"
            type="email"
            autocomplete="off"
            required
            maxlength={254}
            value={invite === undefined ? undefined : email}
            invalid={invite !== undefined}
          />
          <div>
            <button type="submit">Make the account</button>
          </div>
        </form>
        <form class="stacked" method="post" action="/account/reset-link">
          <h3>Somebody forgot their password</h3>
          <FormProblem text={reset} />
          <Field
            name="resetEmail"
            label="Their email"
            type="email"
            autocomplete="off"
            required
            maxlength={254}
            value={reset === undefined ? undefined : email}
            invalid={reset !== undefined}
          />
          <div>
            <button type="submit">Make a link</button>
          </div>
        </form>
      </div>
    </section>
  )
}
