import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import {
  CreateOrganisationRequest,
  Member,
  MemberList,
  Organisation,
  OrganisationList,
  SetMemberRequest,
} from '@trainyard/contract'
import { authenticated, body, inOrganisation, json, problem, tags } from '../api/descriptions.ts'
import { callerOf, type IdentityRoutesOptions } from '../api/options.ts'
import { OrganisationParams } from '../api/params.ts'
import { listMembers, removeMember, setMember } from './members.ts'
import { createOrganisation, listOrganisations } from './organisations.ts'

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
  summary: 'List the members of an organisation',
  request: { params: OrganisationParams },
  responses: { 200: json(MemberList, 'The members'), ...inOrganisation },
})

const setMemberRoute = createRoute({
  tags,
  method: 'post',
  path: '/v1/organisations/{organisation}/members',
  summary: 'Add a person who has an account, or change their role',
  request: { params: OrganisationParams, ...body(SetMemberRequest) },
  responses: {
    200: json(Member, 'Member added or changed'),
    ...inOrganisation,
    409: problem('The organisation would have no owner'),
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

export function mountOrganisationRoutes(api: OpenAPIHono, options: IdentityRoutesOptions): void {
  api.openapi(listOrganisationsRoute, async (c) =>
    c.json({ organisations: await listOrganisations(options.identity, await callerOf(options, c)) }, 200),
  )
  api.openapi(createOrganisationRoute, async (c) =>
    c.json(await createOrganisation(options.identity, await callerOf(options, c), c.req.valid('json')), 201),
  )
  api.openapi(listMembersRoute, async (c) => {
    const { organisation } = c.req.valid('param')
    return c.json({ members: await listMembers(options.identity, await callerOf(options, c), organisation) }, 200)
  })
  api.openapi(setMemberRoute, async (c) => {
    const { organisation } = c.req.valid('param')
    return c.json(await setMember(options.identity, await callerOf(options, c), organisation, c.req.valid('json')), 200)
  })
  api.openapi(removeMemberRoute, async (c) => {
    const { organisation, account } = c.req.valid('param')
    await removeMember(options.identity, await callerOf(options, c), organisation, account)
    return c.body(null, 204)
  })
}
