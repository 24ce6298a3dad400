import { Hono } from 'hono'
import { setCookie } from 'hono/cookie'
import { z } from 'zod'
import type { WebEnv } from './context.ts'
import { isSecure, safePath } from './session/credentials.ts'
import { LANGUAGES } from './words/language.ts'
import { LANGUAGE_COOKIE } from './words/middleware.ts'

const Form = z.object({ language: z.enum(LANGUAGES).catch('en'), to: z.string().optional().catch(undefined) })
const YEAR_SECONDS = 365 * 86_400

/** Keeps the language that a viewer chose, and returns to the page. */
export function languageRoutes(): Hono<WebEnv> {
  const app = new Hono<WebEnv>()
  app.post('/language', async (c) => {
    const { language, to } = Form.parse(await c.req.parseBody())
    setCookie(c, LANGUAGE_COOKIE, language, {
      path: '/',
      httpOnly: true,
      sameSite: 'Lax',
      secure: isSecure(c),
      maxAge: YEAR_SECONDS,
    })
    return c.redirect(safePath(to), 303)
  })
  return app
}
