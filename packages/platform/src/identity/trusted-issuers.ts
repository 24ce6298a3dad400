import { Role, Slug } from '@trainyard/contract'
import { z } from 'zod'

/** Another system's tokens, and what their claims mean here. Claims are named by their dotted path: `realm.team`. */
export const TrustedIssuer = z.strictObject({
  issuer: z.string().min(1),
  jwksUrl: z.url({ protocol: /^https?$/ }),
  audience: z.string().min(1),
  claims: z
    .strictObject({
      /** What tells accounts apart. Never the email: an issuer must not be able to name somebody else's account. */
      account: z.string().min(1).default('sub'),
      displayName: z.string().min(1).default('name'),
      organisation: z.string().min(1).optional(),
      role: z.string().min(1).optional(),
      /** A claim with scopes, separated by spaces or as a list. Without it: whatever the account may. */
      scopes: z.string().min(1).optional(),
    })
    .prefault({}),
  /** The issuer's names of organisations, and ours. Without it the claim has to be our slug. */
  organisations: z.record(z.string(), Slug).optional(),
  /** The issuer's names of roles, and ours. Without it the claim has to be one of ours. */
  roles: z.record(z.string(), Role).optional(),
  /** The role of people whose token names none. Default: viewer. */
  defaultRole: Role.default('viewer'),
})
export type TrustedIssuer = z.output<typeof TrustedIssuer>

export const TrustedIssuers = z.array(TrustedIssuer)
export type TrustedIssuers = z.output<typeof TrustedIssuers>
