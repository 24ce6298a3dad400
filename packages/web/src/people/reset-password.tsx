import { type Context, Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { z } from 'zod'
import { Field, FormProblem } from '../components/form.tsx'
import { Layout } from '../components/layout.tsx'
import type { WebContext, WebEnv } from '../context.ts'
import { setRetryAfter } from '../retry-after.ts'
import { forgetSession } from '../session/credentials.ts'
import { t } from '../words/t.ts'
import { PASSWORD_HINT } from './password-hint.ts'
import { refusalOf } from './refusal.ts'

const text = z.string().catch('')
const Form = z.object({ code: text, newPassword: text })

/** The page that a password link opens. */
export function resetPasswordRoutes(context: WebContext): Hono<WebEnv> {
  const app = new Hono<WebEnv>()

  function page(c: Context<WebEnv>, code: string, problem?: string, status: ContentfulStatusCode = 200) {
    c.header('Cache-Control', 'no-store')
    return c.html(<ResetPasswordPage assetUrl={c.get('assetUrl')} code={code} problem={problem} />, status)
  }

  app.get('/', (c) => page(c, c.req.query('code') ?? ''))
  app.post('/', async (c) => {
    const { code, newPassword } = Form.parse(await c.req.parseBody())
    try {
      await context.client.identity.redeemPasswordReset({ secret: code, newPassword })
    } catch (error) {
      const refusal = refusalOf(error)
      if (refusal === undefined) throw error
      setRetryAfter(c, refusal)
      return page(c, code, refusal.problem, refusal.status)
    }
    forgetSession(c)
    return c.redirect('/sign-in?done=reset', 303)
  })
  return app
}

interface ResetPasswordPageProps {
  assetUrl: (name: string) => string
  code: string
  problem: string | undefined
}

function ResetPasswordPage({ assetUrl, code, problem }: ResetPasswordPageProps) {
  return (
    <Layout assetUrl={assetUrl} title={t('Choose a password')}>
      <div class="sign-in">
        <h1>{t('Choose a password')}</h1>
        <form method="post" action="/reset-password">
          <FormProblem text={problem} />
          {code === '' ? (
            <Field
              name="code"
              label={t('Code')}
              required
              maxlength={200}
              autocomplete="off"
              hint={t('It starts with “ty_”.')}
            />
          ) : (
            <input type="hidden" name="code" value={code} />
          )}
          <Field
            name="newPassword"
            label={t('New password')}
            type="password"
            autocomplete="new-password"
            required
            minlength={10}
            maxlength={200}
            hint={`${t(PASSWORD_HINT)} ${t('You are signed out everywhere.')}`}
          />
          <button type="submit">{t('Save password')}</button>
        </form>
      </div>
    </Layout>
  )
}
