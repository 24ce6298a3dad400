import { createRoute, type OpenAPIHono } from '@hono/zod-openapi'
import { CreateProjectRequest, Project, ProjectList } from '@trainyard/contract'
import { body, inOrganisation, json, problem, tags } from '../api/descriptions.ts'
import { callerOf, type IdentityRoutesOptions } from '../api/options.ts'
import { OrganisationParams } from '../api/params.ts'
import { createProject, listProjects } from './projects.ts'

const listProjectsRoute = createRoute({
  tags,
  method: 'get',
  path: '/v1/organisations/{organisation}/projects',
  summary: 'List the projects of an organisation that the caller can see',
  request: { params: OrganisationParams },
  responses: { 200: json(ProjectList, 'The projects'), ...inOrganisation },
})

const createProjectRoute = createRoute({
  tags,
  method: 'post',
  path: '/v1/organisations/{organisation}/projects',
  summary: 'Create a project',
  request: { params: OrganisationParams, ...body(CreateProjectRequest) },
  responses: { 201: json(Project, 'Project created'), ...inOrganisation, 409: problem('The name is taken') },
})

export function mountProjectRoutes(api: OpenAPIHono, options: IdentityRoutesOptions): void {
  api.openapi(listProjectsRoute, async (c) => {
    const { organisation } = c.req.valid('param')
    return c.json({ projects: await listProjects(options.identity, await callerOf(options, c), organisation) }, 200)
  })
  api.openapi(createProjectRoute, async (c) => {
    const { organisation } = c.req.valid('param')
    const project = await createProject(options.identity, await callerOf(options, c), organisation, c.req.valid('json'))
    return c.json(project, 201)
  })
}
