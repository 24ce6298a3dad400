import { Role, Slug } from '@trainyard/contract'
import { z } from 'zod'

/** An external issuer of JWTs, and how its claims map to accounts, organisations and roles. A claim is a dotted path: `realm.team`. */
export const TrustedIssuer = z.strictObject({
  issuer: z.string().min(1),
  jwksUrl: z.url({ protocol: /^https?$/ }),
  audience: z.string().min(1),
  claims: z
    .strictObject({
      /** Identifies the account. Never the email: an issuer must not be able to claim the account of another person. */
      account: z.string().min(1).default('sub'),
      displayName: z.string().min(1).default('name'),
      organisation: z.string().min(1).optional(),
      role: z.string().min(1).optional(),
      /** A claim with scopes, separated by spaces or as a list. Absent: everything that the account can do. */
      scopes: z.string().min(1).optional(),
    })
    .prefault({}),
  /** Maps the issuer's names of organisations to our slugs. Absent: the claim is our slug. */
  organisations: z.record(z.string(), Slug).optional(),
  /** Maps the issuer's names of roles to ours. Absent: the claim is one of our roles. */
  roles: z.record(z.string(), Role).optional(),
  /** The role when the token names none. Default: viewer. */
  defaultRole: Role.default('viewer'),
})
export type TrustedIssuer = z.output<typeof TrustedIssuer>

export const TrustedIssuers = z.array(TrustedIssuer)
export type TrustedIssuers = z.output<typeof TrustedIssuers>
