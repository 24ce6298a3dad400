import type { Me } from '@trainyard/contract'
import { type Context, Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { z } from 'zod'
import { Field, FormProblem } from '../components/form.tsx'
import { Layout } from '../components/layout.tsx'
import type { WebContext, WebEnv } from '../context.ts'
import { Sentence } from '../words/sentence.tsx'
import { t } from '../words/t.ts'
import { refusalFrom } from './refusal.ts'

const Form = z.object({ code: z.string().catch('') })

/** The page that the link of an invitation opens, below `/organisations`. */
export function joinRoutes(context: WebContext): Hono<WebEnv> {
  const app = new Hono<WebEnv>()

  async function page(
    c: Context<WebEnv>,
    { slug, code, problem }: Pick<JoinPageProps, 'slug' | 'code' | 'problem'>,
    status: ContentfulStatusCode = 200,
  ) {
    // Sends a visitor who is not signed in to the sign-in page, and back here afterwards.
    const me = await context.client.identity.me()
    c.header('Cache-Control', 'no-store')
    return c.html(<JoinPage assetUrl={c.get('assetUrl')} slug={slug} code={code} me={me} problem={problem} />, status)
  }

  app.get('/:slug/join', (c) => page(c, { slug: c.req.param('slug'), code: c.req.query('code') ?? '' }))
  app.post('/:slug/join', async (c) => {
    const slug = c.req.param('slug')
    const { code } = Form.parse(await c.req.parseBody())
    const refusal = await refusalFrom(() => context.client.identity.redeemMemberInvitation(slug, code))
    if (refusal === undefined) return c.redirect(`/organisations/${encodeURIComponent(slug)}?done=joined`, 303)
    return await page(c, { slug, code, problem: refusal.problem }, refusal.status)
  })
  return app
}

interface JoinPageProps {
  assetUrl: (name: string) => string
  /** The organisation's short name. */
  slug: string
  code: string
  me: Me
  problem?: string | undefined
}

function JoinPage({ assetUrl, slug, code, me, problem }: JoinPageProps) {
  return (
    <Layout assetUrl={assetUrl} title={t('Join {slug}', { slug })}>
      <div class="sign-in">
        <h1>{t('Join {slug}', { slug })}</h1>
        <p>
          <Sentence
            text="You were invited to the organisation {slug}. You are signed in as"
            slug={<code>{slug}</code>}
          />{' '}
          {me.account?.email ?? me.account?.displayName}.
        </p>
        <form method="post" action={`/organisations/${encodeURIComponent(slug)}/join`}>
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
          <button type="submit">{t('Join')}</button>
        </form>
        <p class="muted">
          <Sentence
            text="To use another account, {link} and open the link again."
            link={<a href="/account">{t('sign out')}</a>}
          />
        </p>
      </div>
    </Layout>
  )
}
