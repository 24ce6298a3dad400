import { AddProofRequest, OwnershipProof, OwnershipProofList } from '@trainyard/contract'
import type { Connect } from '../http/connection.ts'
import { fetchJson, send } from '../http/request.ts'

/** What a namespace belongs to. */
export interface OwnershipClient {
  list(namespace: string): Promise<OwnershipProof[]>
  /** The answer says which record or file proves it. */
  add(namespace: string, request: AddProofRequest): Promise<OwnershipProof>
  remove(namespace: string, id: string): Promise<void>
  /** Looks for the record or file now. */
  verify(namespace: string, id: string): Promise<OwnershipProof>
}

export function createOwnershipClient(connect: Connect): OwnershipClient {
  const pathOf = (namespace: string) => `/v1/namespaces/${encodeURIComponent(namespace)}/proofs`
  const onePath = (namespace: string, id: string) => `${pathOf(namespace)}/${encodeURIComponent(id)}`
  return {
    list: async (namespace) => (await fetchJson(connect, OwnershipProofList, { path: pathOf(namespace) })).proofs,
    async add(namespace, request) {
      const json = AddProofRequest.parse(request)
      return fetchJson(connect, OwnershipProof, { method: 'POST', path: pathOf(namespace), json })
    },
    async remove(namespace, id) {
      await send(connect(), { method: 'DELETE', path: onePath(namespace, id) })
    },
    verify: (namespace, id) =>
      fetchJson(connect, OwnershipProof, { method: 'POST', path: `${onePath(namespace, id)}/verify` }),
  }
}
