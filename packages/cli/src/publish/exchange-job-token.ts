import { createClient, TrainyardClientError } from '@trainyard/client'
import { redact } from '@trainyard/contract'
import { z } from 'zod'
import type { CliIo } from '../command-line/io.ts'

/** Where a job of a CI gets its OIDC token from. */
interface JobIdentity {
  token(audience: string): Promise<string>
}

/** Undefined outside of a job that may have an OIDC token. */
function findJobIdentity({ env }: Pick<CliIo, 'env'>): JobIdentity | undefined {
  const { TRAINYARD_ID_TOKEN: given, ACTIONS_ID_TOKEN_REQUEST_URL: url, ACTIONS_ID_TOKEN_REQUEST_TOKEN: secret } = env
  if (given) return { token: async () => given.trim() }
  if (url && secret) return { token: (audience) => requestGitHubToken(url, secret, audience) }
  return undefined
}

async function requestGitHubToken(requestUrl: string, secret: string, audience: string): Promise<string> {
  const url = new URL(requestUrl)
  url.searchParams.set('audience', audience)
  const where = `ACTIONS_ID_TOKEN_REQUEST_URL (${redact(url.origin)})`
  const headers = { authorization: `Bearer ${secret}`, accept: 'application/json' }
  const signal = AbortSignal.timeout(30_000)
  const response = await fetch(url, { headers, signal }).catch((cause: unknown) => {
    throw new TrainyardClientError('no_token', `${where} does not answer`, { cause })
  })
  const answer = z.object({ value: z.string().min(1) }).safeParse(await response.json().catch(() => undefined))
  if (answer.success) return answer.data.value
  throw new TrainyardClientError('no_token', `${where} answered ${response.status} without a token`)
}

/**
 * The token with which a job of a CI can push a trainer, in exchange for the job's OIDC token. Undefined outside of such a
 * job.
 */
export async function exchangeJobToken(registryUrl: string, trainer: string, io: CliIo): Promise<string | undefined> {
  const identity = findJobIdentity(io)
  if (identity === undefined) {
    if (io.env.GITHUB_ACTIONS !== 'true') return undefined
    throw new TrainyardClientError(
      'no_token',
      'this job of GitHub has no token: give it "permissions: id-token: write" to publish as a trusted publisher, or set TRAINYARD_TOKEN',
    )
  }
  const { publishing } = createClient({ registryUrl })
  const { audience } = await publishing.info()
  // Another registry could ask for a token that this one would then use there.
  if (!URL.canParse(audience) || new URL(audience).origin !== new URL(registryUrl).origin)
    throw new TrainyardClientError(
      'no_token',
      `the registry at ${registryUrl} says that its address is ${audience}: use that address, so that the job's token is made for it alone`,
    )
  return (await publishing.exchange(trainer, await identity.token(audience))).token
}
