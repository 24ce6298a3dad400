import { z } from 'zod'
import { TrainyardError } from '../errors.ts'
import { type Clock, systemClock } from '../system/clock.ts'
import { type SignedToken, signToken, verifyToken } from './sign-token.ts'
import type { SigningKeys } from './signing-keys.ts'

const REGISTRY_AUDIENCE = 'trainyard:registry'
const MAX_SECONDS = 3600

/** What a token allows, in the format of the Docker registry's token protocol. */
export const RegistryAccess = z.object({ type: z.string(), name: z.string(), actions: z.array(z.string()) })
export type RegistryAccess = z.infer<typeof RegistryAccess>

export interface RegistryTokensOptions {
  keys: SigningKeys
  clock?: Clock | undefined
}

export interface RegistryTokenClaims {
  /** The owner of the token; `anonymous` without credentials. */
  subject: string
  access: RegistryAccess[]
  /** Id of the token that it was issued for; undefined without credentials. */
  tokenId: string | undefined
  issuedAt: Date
  expiresAt: Date
}

export interface RegistryTokens {
  /** `expiresInSeconds`: 300 by default, at most 3600. */
  issue(claims: {
    subject: string
    access: RegistryAccess[]
    tokenId?: string | undefined
    expiresInSeconds?: number | undefined
  }): Promise<SignedToken>
  /** @throws TrainyardError `unauthenticated` or `token_expired` */
  verify(token: string): Promise<RegistryTokenClaims>
  /** The claims of a token that has expired. @throws TrainyardError `unauthenticated` */
  readExpired(token: string): Promise<RegistryTokenClaims>
}

const Payload = z.object({
  sub: z.string().min(1),
  access: z.array(RegistryAccess),
  tokenId: z.string().optional(),
  iat: z.number(),
  exp: z.number(),
})

/** The short-lived tokens that `/token` issues to `docker push` and `docker pull`. */
export function createRegistryTokens({ keys, clock = systemClock }: RegistryTokensOptions): RegistryTokens {
  const options = { keys, audience: REGISTRY_AUDIENCE, clock }
  return {
    async issue({ subject, access, tokenId, expiresInSeconds = 300 }) {
      if (expiresInSeconds > MAX_SECONDS) {
        throw new RangeError(
          `A registry token is valid for at most ${MAX_SECONDS} seconds; expiresInSeconds is ${expiresInSeconds}`,
        )
      }
      return await signToken(keys, {
        audience: REGISTRY_AUDIENCE,
        subject,
        claims: { access, tokenId },
        expiresInSeconds,
        clock,
      })
    },
    verify: async (token) => toClaims(await verifyToken(token, options)),
    readExpired: async (token) => toClaims(await verifyToken(token, { ...options, acceptExpired: true })),
  }
}

function toClaims(payload: Record<string, unknown>): RegistryTokenClaims {
  const known = Payload.safeParse(payload)
  if (!known.success) throw new TrainyardError('unauthenticated', 'This is not a token of the registry')
  const { sub, access, tokenId, iat, exp } = known.data
  return { subject: sub, access, tokenId, issuedAt: new Date(iat * 1000), expiresAt: new Date(exp * 1000) }
}
