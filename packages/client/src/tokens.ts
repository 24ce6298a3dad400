import { type ApiToken, ApiTokenList, CreatedToken, CreateTokenRequest } from '@trainyard/contract'
import { type Connect, fetchJson, send } from './http.ts'

/** Your tokens. */
export interface TokensClient {
  /** The only time the secret is shown. */
  create(input: CreateTokenRequest): Promise<CreatedToken>
  /** Every token of the owner, without secrets. */
  list(): Promise<ApiToken[]>
  /** From now on the token opens nothing. */
  revoke(id: string): Promise<void>
}

export function createTokensClient(connect: Connect): TokensClient {
  return {
    async create(input) {
      const json = CreateTokenRequest.parse(input)
      return fetchJson(connect, CreatedToken, { method: 'POST', path: '/v1/tokens', json })
    },
    async list() {
      return (await fetchJson(connect, ApiTokenList, { path: '/v1/tokens' })).tokens
    },
    async revoke(id) {
      await send(connect(), { method: 'DELETE', path: `/v1/tokens/${encodeURIComponent(id)}` })
    },
  }
}
