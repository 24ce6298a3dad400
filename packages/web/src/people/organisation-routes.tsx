import { Role } from '@trainyard/contract'
import { type Context, Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { z } from 'zod'
import type { WebContext, WebEnv } from '../context.ts'
import { NotFoundPage } from '../problems.tsx'
import { originOf } from '../session/credentials.ts'
import { OrganisationPage, type OrganisationPageProps } from './organisation-page.tsx'
import { OrganisationsPage, type OrganisationsPageProps } from './organisations-page.tsx'
import { refusalFrom } from './refusal.ts'

const text = z.string().catch('')
const Form = z.object({ slug: text, displayName: text.transform((name) => name.trim()), email: text })
const Done = z.enum(['member', 'removed', 'withdrawn', 'joined', 'project']).optional().catch(undefined)
const Cursor = z.string().max(100).optional().catch(undefined)

const pathOf = (slug: string) => `/organisations/${encodeURIComponent(slug)}`
const nameFrom = (displayName: string) => (displayName === '' ? undefined : displayName)

/** The organisations that one is in: their people and projects. */
export function organisationRoutes(context: WebContext): Hono<WebEnv> {
  const app = new Hono<WebEnv>()

  async function list(c: Context<WebEnv>, refused?: OrganisationsPageProps['refused'], status?: ContentfulStatusCode) {
    const organisations = await context.client.identity.organisations()
    c.header('Cache-Control', 'no-store')
    const props = { assetUrl: c.get('assetUrl'), now: context.now(), organisations, refused }
    return c.html(<OrganisationsPage {...props} />, status)
  }

  async function show(
    c: Context<WebEnv>,
    slug: string,
    more: Pick<OrganisationPageProps, 'done' | 'invited' | 'refused'>,
    status: ContentfulStatusCode = 200,
  ) {
    const { identity } = context.client
    const [me, organisations] = await Promise.all([identity.me(), identity.organisations()])
    const organisation = organisations.find((one) => one.slug === slug)
    if (organisation === undefined) return c.html(<NotFoundPage assetUrl={c.get('assetUrl')} path={c.req.path} />, 404)
    const mayChange = organisation.role === 'owner' || organisation.role === 'admin'
    const cursor = Cursor.parse(c.req.query('cursor'))
    const [members, projects, audit, invitations] = await Promise.all([
      identity.members(slug),
      identity.projects(slug),
      mayChange ? identity.audit(slug, { cursor, limit: 20 }) : undefined,
      mayChange ? identity.memberInvitations(slug) : [],
    ])
    c.header('Cache-Control', 'no-store')
    const props = { assetUrl: c.get('assetUrl'), now: context.now(), me, organisation, members, projects, audit }
    return c.html(<OrganisationPage {...props} invitations={invitations} {...more} />, status)
  }

  app.get('/', (c) => list(c))
  app.post('/', async (c) => {
    const { slug, displayName } = Form.parse(await c.req.parseBody())
    const refusal = await refusalFrom(() =>
      context.client.identity.createOrganisation({ slug, displayName: nameFrom(displayName) }),
    )
    if (refusal === undefined) return c.redirect(pathOf(slug), 303)
    return await list(c, { problem: refusal.problem, slug, displayName }, refusal.status)
  })
  app.get('/:slug', (c) => show(c, c.req.param('slug'), { done: Done.parse(c.req.query('done')) }))
  app.post('/:slug/members', async (c) => {
    const slug = c.req.param('slug')
    const body = await c.req.parseBody()
    const { email } = Form.parse(body)
    let set: Awaited<ReturnType<typeof context.client.identity.setMember>> | undefined
    const refusal = await refusalFrom(async () => {
      set = await context.client.identity.setMember(slug, { email, role: Role.parse(body.role) })
    })
    if (refusal !== undefined) {
      const refused = { form: 'members', problem: refusal.problem, value: email } as const
      return await show(c, slug, { refused }, refusal.status)
    }
    if (set === undefined || 'member' in set) return c.redirect(`${pathOf(slug)}?done=member`, 303)
    const { invitation } = set
    const url = `${originOf(c)}${pathOf(slug)}/join?code=${encodeURIComponent(invitation.secret)}`
    return await show(c, slug, { invited: { invitation, url } }, 201)
  })
  app.post('/:slug/invitations/:id/withdraw', async (c) => {
    const { slug, id } = c.req.param()
    const refusal = await refusalFrom(() => context.client.identity.withdrawMemberInvitation(slug, id))
    if (refusal !== undefined)
      return await show(c, slug, { refused: { form: 'members', problem: refusal.problem } }, refusal.status)
    return c.redirect(`${pathOf(slug)}?done=withdrawn`, 303)
  })
  app.post('/:slug/members/:account/remove', async (c) => {
    const { slug, account } = c.req.param()
    const { identity } = context.client
    const me = await identity.me()
    const refusal = await refusalFrom(() => identity.removeMember(slug, account))
    if (refusal !== undefined)
      return await show(c, slug, { refused: { form: 'members', problem: refusal.problem } }, refusal.status)
    // A member who left cannot see the organisation.
    return c.redirect(me.account?.id === account ? '/organisations' : `${pathOf(slug)}?done=removed`, 303)
  })
  app.post('/:slug/projects', async (c) => {
    const organisation = c.req.param('slug')
    const { slug, displayName } = Form.parse(await c.req.parseBody())
    const refusal = await refusalFrom(() =>
      context.client.identity.createProject(organisation, { slug, displayName: nameFrom(displayName) }),
    )
    if (refusal === undefined) return c.redirect(`${pathOf(organisation)}?done=project`, 303)
    const refused = { form: 'projects', problem: refusal.problem, value: slug } as const
    return await show(c, organisation, { refused }, refusal.status)
  })
  return app
}
