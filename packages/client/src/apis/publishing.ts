import {
  AddPublisherRequest,
  ExchangedToken,
  Publisher,
  PublisherList,
  PublisherTest,
  PublishingInfo,
} from '@trainyard/contract'
import type { Connect } from '../http/connection.ts'
import { fetchJson, send } from '../http/request.ts'

/** Publishing from a CI without a stored secret. `trainer` is "namespace/name". */
export interface PublishingClient {
  /** The audience that a job's token must have, and the issuers that the registry accepts. */
  info(): Promise<PublishingInfo>
  /** Exchanges the OIDC token of a job, once, for a token that can push one trainer. */
  exchange(trainer: string, token: string): Promise<ExchangedToken>
  /** The repositories whose jobs may publish a trainer. */
  publishers(trainer: string): Promise<Publisher[]>
  /** Lets the jobs of a repository publish a trainer, which need not exist yet. */
  add(trainer: string, request: AddPublisherRequest): Promise<Publisher>
  /** Removes a publisher. Its tokens end at once. */
  remove(trainer: string, id: string): Promise<void>
  /** Tests the connection to the issuer and, with the token of a job, whether that may publish. */
  test(trainer: string, id: string, token?: string): Promise<PublisherTest>
}

export function createPublishingClient(connect: Connect): PublishingClient {
  const pathOf = (trainer: string) => `/v1/trainers/${trainer.split('/').map(encodeURIComponent).join('/')}/publishers`
  const onePath = (trainer: string, id: string) => `${pathOf(trainer)}/${encodeURIComponent(id)}`
  return {
    info: () => fetchJson(connect, PublishingInfo, { path: '/v1/publishing' }),
    exchange: (trainer, token) =>
      fetchJson(connect, ExchangedToken, { method: 'POST', path: '/v1/publishing/tokens', json: { trainer, token } }),
    publishers: async (trainer) => (await fetchJson(connect, PublisherList, { path: pathOf(trainer) })).publishers,
    async add(trainer, request) {
      const json = AddPublisherRequest.parse(request)
      return fetchJson(connect, Publisher, { method: 'POST', path: pathOf(trainer), json })
    },
    async remove(trainer, id) {
      await send(connect(), { method: 'DELETE', path: onePath(trainer, id) })
    },
    test: (trainer, id, token) =>
      fetchJson(connect, PublisherTest, { method: 'POST', path: `${onePath(trainer, id)}/test`, json: { token } }),
  }
}
