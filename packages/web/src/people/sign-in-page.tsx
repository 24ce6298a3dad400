import { Note } from '../components/form.tsx'
import { Layout } from '../components/layout.tsx'

export interface SignInPageProps {
  assetUrl: (name: string) => string
  kind: 'sign-in' | 'sign-up'
  /** Path on these pages to open after signing in. */
  to: string
  email?: string | undefined
  /** Why the form was rejected. */
  problem?: string | undefined
  /** A new password was just chosen. */
  isReset?: boolean | undefined
}

const WORDS = {
  'sign-in': { title: 'Sign in', button: 'Sign in', other: 'Create an account', otherPath: '/sign-up' },
  'sign-up': { title: 'Create an account', button: 'Create account', other: 'Sign in instead', otherPath: '/sign-in' },
} as const

export function SignInPage({ assetUrl, kind, to, email, problem, isReset }: SignInPageProps) {
  const words = WORDS[kind]
  const isNew = kind === 'sign-up'
  return (
    <Layout assetUrl={assetUrl} title={words.title}>
      <div class="sign-in">
        <h1>{words.title}</h1>
        {isReset && (
          <Note>
            <p>Password changed. Sign in with the new one.</p>
          </Note>
        )}
        {problem !== undefined && (
          <p class="form-problem" id="form-problem" role="alert">
            {problem}
          </p>
        )}
        <form method="post" action={`/${kind}`} aria-describedby={problem === undefined ? undefined : 'form-problem'}>
          <input type="hidden" name="to" value={to} />
          {isNew && (
            <div class="field">
              <label for="displayName">Your name</label>
              <input id="displayName" name="displayName" type="text" autocomplete="name" maxlength={100} />
            </div>
          )}
          <div class="field">
            <label for="email">Email</label>
            <input
              id="email"
              name="email"
              type="email"
              autocomplete="username"
              required
              value={email}
              maxlength={254}
              aria-invalid={problem === undefined ? undefined : 'true'}
            />
          </div>
          <div class="field">
            <label for="password">Password</label>
            <input
              id="password"
              name="password"
              type="password"
              autocomplete={isNew ? 'new-password' : 'current-password'}
              required
              minlength={isNew ? 10 : undefined}
              maxlength={200}
              aria-describedby={isNew ? 'password-hint' : undefined}
            />
            {isNew && (
              <p class="muted" id="password-hint">
                At least 10 characters; several words are easy to remember.
              </p>
            )}
          </div>
          <button type="submit">{words.button}</button>
        </form>
        <p>
          <a href={`${words.otherPath}?to=${encodeURIComponent(to)}`}>{words.other}</a>
        </p>
        {!isNew && <p class="muted">Forgot your password? Ask the operator of this installation for a reset link.</p>}
      </div>
    </Layout>
  )
}
