import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import {
  CreatedMemberInvitation,
  CreateOrganisationRequest,
  Member,
  MemberList,
  Organisation,
  OrganisationList,
  RedeemMemberInvitationRequest,
  SetMemberRequest,
} from '@trainyard/contract'
import { authenticated, body, inOrganisation, json, problem, tags } from '../api/descriptions.ts'
import { callerOf, type IdentityRoutesOptions } from '../api/options.ts'
import { OrganisationParams } from '../api/params.ts'
import { withdrawInvitation } from './invitations.ts'
import { mailInvitation } from './mail-invitation.ts'
import { listMembers, removeMember, setMember } from './members.ts'
import { createOrganisation, listOrganisations } from './organisations.ts'
import { redeemInvitation } from './redeem-invitation.ts'

const listOrganisationsRoute = createRoute({
  tags,
  method: 'get',
  path: '/v1/organisations',
  summary: "List the caller's organisations",
  responses: { 200: json(OrganisationList, 'The organisations'), ...authenticated },
})

const createOrganisationRoute = createRoute({
  tags,
  method: 'post',
  path: '/v1/organisations',
  summary: 'Create an organisation. Its slug is also a namespace of the registry',
  request: body(CreateOrganisationRequest),
  responses: {
    201: json(Organisation, 'Organisation created. The caller is its owner'),
    ...authenticated,
    409: problem('The name is taken'),
  },
})

const listMembersRoute = createRoute({
  tags,
  method: 'get',
  path: '/v1/organisations/{organisation}/members',
  summary: 'List the members of an organisation and, for who can manage them, the invitations',
  request: { params: OrganisationParams },
  responses: { 200: json(MemberList, 'The members'), ...inOrganisation },
})

const setMemberRoute = createRoute({
  tags,
  method: 'post',
  path: '/v1/organisations/{organisation}/members',
  summary: 'Add a person who shares an organisation with you, or change their role; invite anyone else',
  request: { params: OrganisationParams, ...body(SetMemberRequest) },
  responses: {
    200: json(Member, 'Member added or changed'),
    202: json(
      CreatedMemberInvitation,
      'Person invited. The link was sent to them by mail where `emailed` is true; otherwise give them the link with the secret, which is not shown again. The answer is the same whether or not they have an account. Operators add everyone who has an account at once',
    ),
    ...inOrganisation,
    409: problem('The organisation would have no owner, or too many invitations are pending'),
  },
})

const removeMemberRoute = createRoute({
  tags,
  method: 'delete',
  path: '/v1/organisations/{organisation}/members/{account}',
  summary: 'Remove a member, or leave the organisation',
  request: { params: OrganisationParams.extend({ account: z.string().max(100) }) },
  responses: {
    204: { description: 'Member removed' },
    ...inOrganisation,
    409: problem('The organisation would have no owner'),
  },
})

const withdrawInvitationRoute = createRoute({
  tags,
  method: 'delete',
  path: '/v1/organisations/{organisation}/invitations/{invitation}',
  summary: 'Withdraw an invitation',
  request: { params: OrganisationParams.extend({ invitation: z.string().max(100) }) },
  responses: { 204: { description: 'Invitation withdrawn' }, ...inOrganisation },
})

const redeemInvitationRoute = createRoute({
  tags,
  method: 'post',
  path: '/v1/organisations/{organisation}/invitations/redeem',
  summary: 'Join an organisation with an invitation to your email',
  request: { params: OrganisationParams, ...body(RedeemMemberInvitationRequest) },
  responses: {
    200: json(Organisation, 'The organisation that the caller has joined'),
    ...authenticated,
    404: problem('The invitation was used, replaced or withdrawn, or has expired'),
    409: problem('The caller is a member already'),
  },
})

export function mountOrganisationRoutes(api: OpenAPIHono, options: IdentityRoutesOptions): void {
  api.openapi(listOrganisationsRoute, async (c) =>
    c.json({ organisations: await listOrganisations(options.identity, await callerOf(options, c)) }, 200),
  )
  api.openapi(createOrganisationRoute, async (c) =>
    c.json(await createOrganisation(options.identity, await callerOf(options, c), c.req.valid('json')), 201),
  )
  api.openapi(listMembersRoute, async (c) => {
    const { organisation } = c.req.valid('param')
    return c.json(await listMembers(options.identity, await callerOf(options, c), organisation), 200)
  })
  api.openapi(setMemberRoute, async (c) => {
    const { organisation } = c.req.valid('param')
    const caller = await callerOf(options, c)
    const outcome = await setMember(options.identity, caller, organisation, c.req.valid('json'))
    if ('member' in outcome) return c.json(outcome.member, 200)
    const { invitation } = outcome
    const { identity, authenticator, logger } = options
    const { mail } = authenticator.config
    const pagesUrl = authenticator.config.pagesUrl ?? authenticator.publicUrl()
    // After the transaction: a slow mail server holds no lock.
    const emailed = await mailInvitation({ identity, mail, pagesUrl, organisation, caller, invitation, logger })
    c.header('cache-control', 'no-store')
    return c.json({ ...invitation, emailed }, 202)
  })
  api.openapi(removeMemberRoute, async (c) => {
    const { organisation, account } = c.req.valid('param')
    await removeMember(options.identity, await callerOf(options, c), organisation, account)
    return c.body(null, 204)
  })
  api.openapi(withdrawInvitationRoute, async (c) => {
    const { organisation, invitation } = c.req.valid('param')
    await withdrawInvitation(options.identity, await callerOf(options, c), organisation, invitation)
    return c.body(null, 204)
  })
  api.openapi(redeemInvitationRoute, async (c) => {
    const { organisation } = c.req.valid('param')
    const { secret } = c.req.valid('json')
    const caller = await callerOf(options, c)
    return c.json(await redeemInvitation(options.identity, caller, { organisation, secret }), 200)
  })
}
