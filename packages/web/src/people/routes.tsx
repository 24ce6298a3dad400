import { type Context, Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { z } from 'zod'
import type { WebContext, WebEnv } from '../context.ts'
import { setRetryAfter } from '../retry-after.ts'
import { deviceOf, forgetSession, hasSession, keepSession, safePath } from '../session/credentials.ts'
import { findViewer } from '../session/find-viewer.ts'
import { accountRoutes } from './account-routes.tsx'
import { invitationIn } from './invitation-in.ts'
import { joinRoutes } from './join-organisation.tsx'
import { organisationRoutes } from './organisation-routes.tsx'
import { refusalOf } from './refusal.ts'
import { resetPasswordRoutes } from './reset-password.tsx'
import { SignInPage, type SignInPageProps } from './sign-in-page.tsx'
import { tokenRoutes } from './token-routes.tsx'

const text = z.string().catch('')
const Form = z.object({ email: text, password: text, displayName: text, setupSecret: text, to: text })
const Done = z.enum(['reset', 'sign-up']).optional().catch(undefined)

/** Sign-in, sign-up, sign-out, and the pages of the viewer's account. */
export function peopleRoutes(context: WebContext): Hono<WebEnv> {
  const app = new Hono<WebEnv>()

  async function page(
    c: Context<WebEnv>,
    props: Pick<SignInPageProps, 'kind' | 'to' | 'email' | 'setupSecret' | 'problem' | 'done'>,
    status: ContentfulStatusCode = 200,
  ) {
    c.header('Cache-Control', 'no-store')
    const state = await context.client.identity.signUpState()
    return c.html(<SignInPage assetUrl={c.get('assetUrl')} state={state} {...props} />, status)
  }

  app.get('/sign-in', (c) =>
    page(c, { kind: 'sign-in', to: safePath(c.req.query('to')), done: Done.parse(c.req.query('done')) }),
  )
  app.get('/sign-up', (c) =>
    page(c, { kind: 'sign-up', to: safePath(c.req.query('to')), setupSecret: c.req.query('setup') }),
  )
  // The link that a server of AUTH=local prints.
  app.get('/open', async (c) => {
    const to = safePath(c.req.query('to'))
    try {
      keepSession(c, await context.client.identity.redeemSignInCode(c.req.query('code') ?? ''))
    } catch (error) {
      const refusal = refusalOf(error)
      if (refusal === undefined) throw error
      // The link of a browser that is signed in already, for example opened twice.
      const viewer = await findViewer(context.client)
      if (viewer.state !== 'signed-in') {
        setRetryAfter(c, refusal)
        return await page(c, { kind: 'sign-in', to, problem: refusal.problem }, refusal.status)
      }
    }
    c.header('Cache-Control', 'no-store')
    c.header('Referrer-Policy', 'no-referrer')
    return c.redirect(to, 303)
  })
  app.post('/sign-in', async (c) => {
    const { email, password, to: asked } = Form.parse(await c.req.parseBody())
    const to = safePath(asked)
    try {
      keepSession(c, await context.client.identity.createSession({ email, password, device: deviceOf(c) }))
      return c.redirect(to, 303)
    } catch (error) {
      const refusal = refusalOf(error)
      if (refusal === undefined) throw error
      setRetryAfter(c, refusal)
      return await page(c, { kind: 'sign-in', to, email, problem: refusal.problem }, refusal.status)
    }
  })
  app.post('/sign-up', async (c) => {
    const form = Form.parse(await c.req.parseBody())
    const { email, password } = form
    const [to, displayName, setupSecret] = [safePath(form.to), form.displayName.trim(), form.setupSecret.trim()]
    const { identity } = context.client
    try {
      await identity.signUp({
        email,
        password,
        displayName: displayName === '' ? undefined : displayName,
        setupSecret: setupSecret === '' ? undefined : setupSecret,
        invitation: invitationIn(to),
      })
    } catch (error) {
      const refusal = refusalOf(error)
      if (refusal === undefined) throw error
      setRetryAfter(c, refusal)
      return await page(c, { kind: 'sign-up', to, email, setupSecret, problem: refusal.problem }, refusal.status)
    }
    // The same answer whether the email had an account: signing in here would tell.
    return c.redirect(`/sign-in?done=sign-up&to=${encodeURIComponent(to)}`, 303)
  })
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
  app.route('/organisations', joinRoutes(context))
  return app
}
