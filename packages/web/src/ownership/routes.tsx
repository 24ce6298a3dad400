import type { OwnershipProof } from '@trainyard/contract'
import { type Context, Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { z } from 'zod'
import type { WebContext, WebEnv } from '../context.ts'
import { refusalFrom } from '../people/refusal.ts'
import { t } from '../words/t.ts'
import { OwnershipPage, type OwnershipPageProps, ownershipPath } from './ownership-page.tsx'

const text = z.string().trim().catch('')
const Form = z.object({ domain: text, repository: text })

/** What an organisation proves to own, for its administrators. */
export function ownershipRoutes(context: WebContext): Hono<WebEnv> {
  const app = new Hono<WebEnv>()

  async function page(
    c: Context<WebEnv>,
    namespace: string,
    more: Pick<OwnershipPageProps, 'problem' | 'note' | 'typed'>,
    status: ContentfulStatusCode = 200,
  ) {
    const proofs = await context.client.ownership.list(namespace)
    c.header('Cache-Control', 'no-store')
    const props = { assetUrl: c.get('assetUrl'), now: context.now(), namespace, proofs }
    return c.html(<OwnershipPage {...props} {...more} />, status)
  }

  app.get('/:namespace/ownership', (c) =>
    page(c, c.req.param('namespace'), { note: c.req.query('done') === 'removed' ? t('Removed.') : undefined }),
  )
  app.post('/:namespace/ownership', async (c) => {
    const { namespace } = c.req.param()
    const typed = Form.parse(await c.req.parseBody())
    const { domain, repository } = typed
    const refusal = await refusalFrom(() =>
      context.client.ownership.add(
        namespace,
        repository === '' ? { kind: 'dns', domain } : { kind: 'repository', repository },
      ),
    )
    if (refusal !== undefined) return await page(c, namespace, { problem: refusal.problem, typed }, refusal.status)
    return c.redirect(ownershipPath(namespace), 303)
  })
  app.post('/:namespace/ownership/:id/verify', async (c) => {
    const { namespace, id } = c.req.param()
    let found: OwnershipProof | undefined
    const refusal = await refusalFrom(async () => {
      found = await context.client.ownership.verify(namespace, id)
    })
    if (refusal !== undefined) return await page(c, namespace, { problem: refusal.problem }, refusal.status)
    return await page(c, namespace, { note: found?.problem === undefined ? t('Found: it is verified.') : undefined })
  })
  app.post('/:namespace/ownership/:id/remove', async (c) => {
    const { namespace, id } = c.req.param()
    const refusal = await refusalFrom(() => context.client.ownership.remove(namespace, id))
    if (refusal !== undefined) return await page(c, namespace, { problem: refusal.problem }, refusal.status)
    return c.redirect(`${ownershipPath(namespace)}?done=removed`, 303)
  })
  return app
}
