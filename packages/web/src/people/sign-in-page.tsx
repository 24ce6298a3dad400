import type { SignUpState } from '@trainyard/contract'
import { Field, FormProblem, Note } from '../components/form.tsx'
import { Layout } from '../components/layout.tsx'
import { t } from '../words/t.ts'
import { invitationIn } from './invitation-in.ts'
import { PASSWORD_HINT } from './password-hint.ts'

export interface SignInPageProps {
  assetUrl: (name: string) => string
  kind: 'sign-in' | 'sign-up'
  state: SignUpState
  /** Path on these pages to open after signing in. */
  to: string
  email?: string | undefined
  /** From the link that the server printed. */
  setupSecret?: string | undefined
  /** Why the form was rejected. */
  problem?: string | undefined
  /** The action that was just completed. */
  done?: 'reset' | 'sign-up' | undefined
}

const DONE = {
  reset: 'Password changed. Sign in with the new one.',
  'sign-up':
    'Sign in with your new account. If that fails, the email had an account before: use its password, or ask an operator for a reset link.',
} as const

export function SignInPage(props: SignInPageProps) {
  if (props.state.auth === 'local') return <LocalSignInPage {...props} />
  const { assetUrl, kind, state, to, problem, done } = props
  const title = kind === 'sign-in' ? t('Sign in') : t('Create an account')
  const other = kind === 'sign-in' ? 'sign-up' : 'sign-in'
  const isInvited = invitationIn(to) !== undefined
  const canSignUp = state.signUp !== 'closed' || isInvited
  return (
    <Layout assetUrl={assetUrl} title={title}>
      <div class="sign-in">
        <h1>{title}</h1>
        {done !== undefined && (
          <Note>
            <p>{t(DONE[done])}</p>
          </Note>
        )}
        {isInvited && done === undefined && (
          <p>{t('To accept the invitation, use an account with the email that was invited.')}</p>
        )}
        <FormProblem text={problem} />
        {kind === 'sign-up' && !canSignUp ? (
          <p>
            {t(
              'Sign-up is closed. An operator of this installation, or an administrator of an organisation, can invite you.',
            )}
          </p>
        ) : (
          <SignInForm {...props} />
        )}
        {(kind === 'sign-up' || canSignUp) && (
          <p>
            <a href={`/${other}?to=${encodeURIComponent(to)}`}>
              {kind === 'sign-in' ? t('Create an account') : t('Sign in instead')}
            </a>
          </p>
        )}
        {kind === 'sign-in' && (
          <p class="muted">{t('Forgot your password? Ask the operator of this installation for a reset link.')}</p>
        )}
      </div>
    </Layout>
  )
}

/** A server that belongs to the user who started it has no passwords. */
function LocalSignInPage({ assetUrl, problem }: SignInPageProps) {
  return (
    <Layout assetUrl={assetUrl} title={t('Sign in')}>
      <div class="sign-in">
        <h1>{t('Sign in')}</h1>
        <FormProblem text={problem} />
        <p>
          {t(
            'This server belongs to the user of this machine who started it. Open the link that it printed when it started. The link works once, within ten minutes; one of these commands prints a new one:',
          )}
        </p>
        <pre>
          <code>{'npm start -- --link\ntrainyard open'}</code>
        </pre>
      </div>
    </Layout>
  )
}

function SignInForm({ kind, state, to, email, setupSecret, problem }: SignInPageProps) {
  const isNew = kind === 'sign-up'
  return (
    <form method="post" action={`/${kind}`}>
      <input type="hidden" name="to" value={to} />
      {isNew && state.signUp === 'setup' && (
        <Field
          name="setupSecret"
          label={t('Set-up secret')}
          type="password"
          autocomplete="off"
          required
          maxlength={200}
          value={setupSecret}
          hint={t(
            'The first account administers this installation. The server printed its secret when it started, and keeps it in the file “setup-secret” of its data folder.',
          )}
        />
      )}
      {isNew && <Field name="displayName" label={t('Your name')} autocomplete="name" maxlength={100} />}
      <Field
        name="email"
        label={t('Email')}
        type="email"
        autocomplete="username"
        required
        value={email}
        maxlength={254}
        invalid={problem !== undefined}
      />
      <Field
        name="password"
        label={t('Password')}
        type="password"
        autocomplete={isNew ? 'new-password' : 'current-password'}
        required
        maxlength={200}
        {...(isNew ? newPassword() : undefined)}
      />
      <button type="submit">{isNew ? t('Create account') : t('Sign in')}</button>
    </form>
  )
}

const newPassword = () => ({ minlength: 10, hint: t(PASSWORD_HINT) })
