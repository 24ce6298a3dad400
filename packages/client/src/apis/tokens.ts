import { type ApiToken, ApiTokenList, CreatedToken, CreateTokenRequest } from '@trainyard/contract'
import type { Connect } from '../http/connection.ts'
import { fetchJson, send } from '../http/request.ts'

/** API tokens of your account. */
export interface TokensClient {
  /** Creates a token. Its secret is returned only here. */
  create(input: CreateTokenRequest): Promise<CreatedToken>
  /** Your tokens, newest first, without secrets. */
  list(): Promise<ApiToken[]>
  /** Revokes a token immediately. */
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
