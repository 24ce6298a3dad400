import type { PasswordReset } from '@trainyard/contract'
import { type Context, Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { z } from 'zod'
import type { WebContext, WebEnv } from '../context.ts'
import { setRetryAfter } from '../retry-after.ts'
import { originOf } from '../session/credentials.ts'
import { type AccountForm, AccountPage, type AccountPageProps } from './account-page.tsx'
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
    const [me, sessions] = await Promise.all([identity.me(), identity.sessions()])
    c.header('Cache-Control', 'no-store')
    const props = { assetUrl: c.get('assetUrl'), now: context.now(), me, sessions }
    return c.html(<AccountPage {...props} {...more} />, status)
  }

  app.get('/', (c) => page(c, { done: Done.parse(c.req.query('done')) }))
  app.post('/password', async (c) => {
    const { currentPassword, newPassword } = Form.parse(await c.req.parseBody())
    const refusal = await refusalFrom(() => context.client.identity.changePassword({ currentPassword, newPassword }))
    if (refusal !== undefined) {
      setRetryAfter(c, refusal)
      return await page(c, { refused: { form: 'password', problem: refusal.problem } }, refusal.status)
    }
    return c.redirect('/account?done=password', 303)
  })
  app.post('/sessions/:id/end', async (c) => {
    const refusal = await refusalFrom(() => context.client.identity.revokeSession(c.req.param('id')))
    if (refusal !== undefined)
      return await page(c, { refused: { form: 'sessions', problem: refusal.problem } }, refusal.status)
    return c.redirect('/account?done=session', 303)
  })

  function showLink(c: Context<WebEnv>, { secret, expiresAt, account }: PasswordReset) {
    const url = `${originOf(c)}/reset-password?code=${encodeURIComponent(secret)}`
    return page(c, { link: { url, expiresAt, name: account.displayName } }, 201)
  }
  async function showNewLink(
    c: Context<WebEnv>,
    { form, email, create }: { form: AccountForm; email: string; create: () => Promise<PasswordReset> },
  ) {
    let link: PasswordReset | undefined
    const refusal = await refusalFrom(async () => {
      link = await create()
    })
    if (link !== undefined) return await showLink(c, link)
    return await page(c, { refused: { form, problem: refusal?.problem ?? '', email } }, refusal?.status)
  }
  app.post('/invite', async (c) => {
    const { email, displayName } = Form.parse(await c.req.parseBody())
    const name = displayName.trim()
    const create = () => context.client.identity.inviteAccount({ email, displayName: name === '' ? undefined : name })
    return await showNewLink(c, { form: 'invite', email, create })
  })
  app.post('/reset-link', async (c) => {
    const { resetEmail: email } = Form.parse(await c.req.parseBody())
    const create = () => context.client.identity.createPasswordReset(email)
    return await showNewLink(c, { form: 'reset', email, create })
  })
  return app
}
