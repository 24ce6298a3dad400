import { createRoute, type OpenAPIHono } from '@hono/zod-openapi'
import { AddProofRequest, OwnershipProof, OwnershipProofList, Slug } from '@trainyard/contract'
import { z } from 'zod'
import type { RegistryContext } from '../context.ts'
import { namespaceRequestOf } from '../names/namespace-request.ts'
import { json, problem } from '../route-parts.ts'
import { addProof, listProofs, removeProof, verifyProof } from './proofs.ts'

const refusals = { 401: problem, 403: problem, 404: problem }
const NamespaceParams = z.object({ namespace: Slug })
const ProofParams = NamespaceParams.extend({ proof: z.string().max(64) })
const proofs = '/v1/namespaces/{namespace}/proofs'
const tags = ['ownership']

const list = createRoute({
  tags,
  method: 'get',
  path: proofs,
  summary: 'List what a namespace says that it belongs to',
  request: { params: NamespaceParams },
  responses: { 200: json(OwnershipProofList, 'The proofs'), ...refusals },
})
const add = createRoute({
  tags,
  method: 'post',
  path: proofs,
  summary: 'Say which domain or repository a namespace belongs to',
  description: 'The answer says which record or file proves it.',
  request: {
    params: NamespaceParams,
    body: { required: true, content: { 'application/json': { schema: AddProofRequest } } },
  },
  responses: { 201: json(OwnershipProof, 'The proof'), 400: problem, 409: problem, ...refusals },
})
const remove = createRoute({
  tags,
  method: 'delete',
  path: `${proofs}/{proof}`,
  summary: 'Remove a proof',
  request: { params: ProofParams },
  responses: { 204: { description: 'Removed' }, ...refusals },
})
const verify = createRoute({
  tags,
  method: 'post',
  path: `${proofs}/{proof}/verify`,
  summary: 'Look for the record or file of a proof',
  request: { params: ProofParams },
  responses: { 200: json(OwnershipProof, 'The proof, with what was found'), 409: problem, ...refusals },
})

/** What namespaces belong to, for their administrators. */
export function mountOwnershipRoutes(api: OpenAPIHono, context: RegistryContext): void {
  const requestOf = (raw: Request, params: { namespace: string }) => namespaceRequestOf(context, raw, params)
  api.openapi(list, async (c) =>
    c.json({ proofs: await listProofs(await requestOf(c.req.raw, c.req.valid('param'))) }, 200),
  )
  api.openapi(add, async (c) => {
    const request = await requestOf(c.req.raw, c.req.valid('param'))
    return c.json(await addProof(request, c.req.valid('json')), 201)
  })
  api.openapi(remove, async (c) => {
    const params = c.req.valid('param')
    await removeProof(await requestOf(c.req.raw, params), params.proof)
    return c.body(null, 204)
  })
  api.openapi(verify, async (c) => {
    const params = c.req.valid('param')
    return c.json(await verifyProof(await requestOf(c.req.raw, params), params.proof), 200)
  })
}
