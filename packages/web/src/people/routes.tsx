import { type Context, Hono } from 'hono'
import { z } from 'zod'
import type { WebContext, WebEnv } from '../context.ts'
import { forgetSession, hasSession, keepSession, safePath } from '../session/credentials.ts'
import { accountRoutes } from './account-routes.tsx'
import { organisationRoutes } from './organisation-routes.tsx'
import { refusalOf } from './refusal.ts'
import { resetPasswordRoutes } from './reset-password.tsx'
import { SignInPage } from './sign-in-page.tsx'
import { tokenRoutes } from './token-routes.tsx'

const text = z.string().catch('')
const Form = z.object({ email: text, password: text, displayName: text, to: text })

/** Sign-in, sign-up, sign-out, and the pages of the viewer's account. */
export function peopleRoutes(context: WebContext): Hono<WebEnv> {
  const app = new Hono<WebEnv>()
  const page = (
    c: Context<WebEnv>,
    kind: 'sign-in' | 'sign-up',
    more: { to: string; email?: string; problem?: string; isReset?: boolean },
  ) => {
    c.header('Cache-Control', 'no-store')
    return <SignInPage assetUrl={c.get('assetUrl')} kind={kind} {...more} />
  }
  for (const kind of ['sign-in', 'sign-up'] as const) {
    app.get(`/${kind}`, (c) =>
      c.html(page(c, kind, { to: safePath(c.req.query('to')), isReset: c.req.query('done') === 'reset' })),
    )
    app.post(`/${kind}`, async (c) => {
      const { email, password, displayName, to: asked } = Form.parse(await c.req.parseBody())
      const to = safePath(asked)
      const { identity } = context.client
      try {
        const name = displayName.trim()
        if (kind === 'sign-up')
          await identity.createAccount({ email, password, displayName: name === '' ? undefined : name })
        keepSession(c, await identity.createSession({ email, password }))
        return c.redirect(to, 303)
      } catch (error) {
        const refusal = refusalOf(error)
        if (refusal === undefined) throw error
        return c.html(page(c, kind, { to, email, problem: refusal.problem }), refusal.status)
      }
    })
  }
  app.post('/sign-out', async (c) => {
    // The cookie is removed whatever the server answers: a session that has ended cannot be ended again.
    if (hasSession(c)) await context.client.identity.endSession().catch(() => undefined)
    forgetSession(c)
    return c.redirect('/', 303)
  })
  app.route('/reset-password', resetPasswordRoutes(context))
  app.route('/account/tokens', tokenRoutes(context))
  app.route('/account', accountRoutes(context))
  app.route('/organisations', organisationRoutes(context))
  return app
}
