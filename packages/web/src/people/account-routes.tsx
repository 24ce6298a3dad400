import { randomBytes } from 'node:crypto'
import { type Context, Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { z } from 'zod'
import type { WebContext, WebEnv } from '../context.ts'
import { originOf } from '../session/credentials.ts'
import { AccountPage, type AccountPageProps } from './account-page.tsx'
import { refusalFrom } from './refusal.ts'

const text = z.string().catch('')
const Form = z.object({ currentPassword: text, newPassword: text, email: text, resetEmail: text, displayName: text })
const Done = z.enum(['password', 'session']).optional().catch(undefined)

/** The viewer's own account: password and sessions. Operators also invite people and reset passwords. */
export function accountRoutes(context: WebContext): Hono<WebEnv> {
  const app = new Hono<WebEnv>()

  async function page(
    c: Context<WebEnv>,
    more: Pick<AccountPageProps, 'done' | 'refused' | 'link'>,
    status: ContentfulStatusCode = 200,
  ) {
    const { identity } = context.client
    const me = await identity.me()
    const sessions = me.credentials === 'local' ? [] : await identity.sessions()
    c.header('Cache-Control', 'no-store')
    const props = { assetUrl: c.get('assetUrl'), now: context.now(), me, sessions }
    return c.html(<AccountPage {...props} {...more} />, status)
  }

  app.get('/', (c) => page(c, { done: Done.parse(c.req.query('done')) }))
  app.post('/password', async (c) => {
    const { currentPassword, newPassword } = Form.parse(await c.req.parseBody())
    const refusal = await refusalFrom(() => context.client.identity.changePassword({ currentPassword, newPassword }))
    if (refusal !== undefined)
      return await page(c, { refused: { form: 'password', problem: refusal.problem } }, refusal.status)
    return c.redirect('/account?done=password', 303)
  })
  app.post('/sessions/:id/end', async (c) => {
    const refusal = await refusalFrom(() => context.client.identity.revokeSession(c.req.param('id')))
    if (refusal !== undefined)
      return await page(c, { refused: { form: 'sessions', problem: refusal.problem } }, refusal.status)
    return c.redirect('/account?done=session', 303)
  })

  async function showLink(c: Context<WebEnv>, email: string) {
    const { secret, expiresAt, account } = await context.client.identity.createPasswordReset(email)
    const url = `${originOf(c)}/reset-password?code=${encodeURIComponent(secret)}`
    return await page(c, { link: { url, expiresAt, name: account.displayName } }, 201)
  }
  app.post('/invite', async (c) => {
    const { email, displayName } = Form.parse(await c.req.parseBody())
    const name = displayName.trim()
    const refusal = await refusalFrom(() =>
      context.client.identity.createAccount({
        // No one learns this password: the link lets the account's owner choose one.
        email,
        password: randomBytes(32).toString('base64url'),
        displayName: name === '' ? undefined : name,
      }),
    )
    if (refusal === undefined) return await showLink(c, email)
    return await page(c, { refused: { form: 'invite', problem: refusal.problem, email } }, refusal.status)
  })
  app.post('/reset-link', async (c) => {
    const { resetEmail: email } = Form.parse(await c.req.parseBody())
    let answer: Response | undefined
    const refusal = await refusalFrom(async () => {
      answer = await showLink(c, email)
    })
    if (answer !== undefined) return answer
    return await page(c, { refused: { form: 'reset', problem: refusal?.problem ?? '', email } }, refusal?.status)
  })
  return app
}
