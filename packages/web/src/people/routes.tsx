import { TrainyardApiError } from '@trainyard/sdk/client'
import { type Context, Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { ZodError, z } from 'zod'
import type { WebContext, WebEnv } from '../context.ts'
import { forgetSession, hasSession, keepSession, safePath } from './credentials.ts'
import { SignInPage } from './sign-in-page.tsx'

const text = z.string().catch('')
const Form = z.object({ email: text, password: text, displayName: text, to: text })

/** Signing in, up and out. */
export function peopleRoutes(context: WebContext): Hono<WebEnv> {
  const app = new Hono<WebEnv>()
  const page = (
    c: Context<WebEnv>,
    kind: 'sign-in' | 'sign-up',
    more: { to: string; email?: string; problem?: string },
  ) => {
    c.header('Cache-Control', 'no-store')
    return <SignInPage assetUrl={c.get('assetUrl')} kind={kind} {...more} />
  }
  for (const kind of ['sign-in', 'sign-up'] as const) {
    app.get(`/${kind}`, (c) => c.html(page(c, kind, { to: safePath(c.req.query('to')) })))
    app.post(`/${kind}`, async (c) => {
      const { email, password, displayName, to: asked } = Form.parse(await c.req.parseBody())
      const to = safePath(asked)
      const { identity } = context.client
      try {
        const name = displayName.trim()
        if (kind === 'sign-up')
          await identity.createAccount({ email, password, ...(name === '' ? {} : { displayName: name }) })
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
    // The cookie goes whatever the server says: a session that is over cannot be ended again.
    if (hasSession(c)) await context.client.identity.endSession().catch(() => undefined)
    forgetSession(c)
    return c.redirect('/', 303)
  })
  return app
}

/** What a person can do something about; the rest is an error page's. */
function refusalOf(error: unknown): { problem: string; status: ContentfulStatusCode } | undefined {
  if (error instanceof ZodError) {
    const [issue] = error.issues
    return { problem: `${String(issue?.path[0] ?? 'The form')}: ${issue?.message ?? 'not valid'}`, status: 400 }
  }
  if (!(error instanceof TrainyardApiError) || error.status >= 500) return undefined
  const { problem } = error
  const issues = problem.issues?.map(({ path, detail }) => `${path}: ${detail}`).join('. ')
  return { problem: issues || problem.detail || problem.title, status: error.status as ContentfulStatusCode }
}
