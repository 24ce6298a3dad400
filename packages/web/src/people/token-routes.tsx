import type { CreatedToken, CreateTokenRequest } from '@trainyard/contract'
import { type Context, Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { z } from 'zod'
import type { WebContext, WebEnv } from '../context.ts'
import { t } from '../words/t.ts'
import { refusalFrom } from './refusal.ts'
import { type TokenForm, TokensPage, type TokensPageProps } from './tokens-page.tsx'

const text = z.string().catch('')
const Form = z.object({
  name: text.transform((name) => name.trim()),
  scopes: z.union([z.array(z.string()), z.string().transform((one) => [one])]).catch([]),
  moreScopes: text,
  place: text,
  days: text,
})

/** The viewer's tokens. */
export function tokenRoutes(context: WebContext): Hono<WebEnv> {
  const app = new Hono<WebEnv>()

  async function page(
    c: Context<WebEnv>,
    more: Pick<TokensPageProps, 'form' | 'problem' | 'made' | 'revoked'>,
    status: ContentfulStatusCode = 200,
  ) {
    const { identity, tokens } = context.client
    const [me, list] = await Promise.all([identity.me(), tokens.list()])
    c.header('Cache-Control', 'no-store')
    const props = { assetUrl: c.get('assetUrl'), now: context.now(), me, tokens: list }
    return c.html(<TokensPage {...props} {...more} />, status)
  }

  app.get('/', (c) => page(c, { revoked: c.req.query('done') === 'revoked' }))
  app.post('/', async (c) => {
    const form = Form.parse(await c.req.parseBody({ all: true }))
    const request = toRequest(form)
    if (request.scopes.length === 0) return await page(c, { form, problem: t('Choose at least one scope') }, 400)
    let made: CreatedToken | undefined
    const refusal = await refusalFrom(async () => {
      made = await context.client.tokens.create(request)
    })
    // Not a redirect: only this response holds the secret.
    if (refusal === undefined) return await page(c, { made }, 201)
    return await page(c, { form, problem: refusal.problem }, refusal.status)
  })
  app.post('/:id/revoke', async (c) => {
    const refusal = await refusalFrom(() => context.client.tokens.revoke(c.req.param('id')))
    if (refusal !== undefined) return await page(c, { problem: refusal.problem }, refusal.status)
    return c.redirect('/account/tokens?done=revoked', 303)
  })
  return app
}

function toRequest({ name, scopes, moreScopes, place, days }: TokenForm): CreateTokenRequest {
  const more = moreScopes.split(/[\s,]+/).filter((scope) => scope !== '')
  const isProject = place.includes('/')
  return {
    name,
    scopes: [...new Set([...scopes, ...more])],
    project: isProject ? place : undefined,
    organisation: isProject || place === '' ? undefined : place,
    expiresInDays: days === '' ? undefined : Number(days),
  }
}
