import type { Role } from '@trainyard/contract'

/** How a caller said who it is. `local`: it said nothing, on a machine of its own. */
export type CallerCredentials = 'local' | 'session' | 'token' | 'issuer'

export interface CallerMembership {
  organisationId: string
  /** The slug: also the registry's namespace. */
  organisation: string
  role: Role
}

/** A project that the caller may know of, with the role there. */
export interface CallerProject extends CallerMembership {
  id: string
  /** `organisation/project` */
  name: string
}

export interface CallerAccount {
  id: string
  email: string | undefined
  displayName: string
  /** Looks after the installation: may push to every namespace and make accounts. Sees no more jobs than others. */
  operator: boolean
}

/** Who is asking, and within which bounds. Read anew for each request: what is taken away is gone at once. */
export interface Caller {
  /** For audit rows: the account's id, or the owner of a token without an account. */
  subject: string
  /** Absent: a token of the registry that belongs to no account. */
  account: CallerAccount | undefined
  credentials: CallerCredentials
  /** Id of the token or session, where there is one. */
  tokenId: string | undefined
  /** Undefined: whatever the account may. */
  scopes: readonly string[] | undefined
  /** The one organisation or project that a token is limited to. */
  limit: { organisationId?: string; projectId?: string }
  memberships: readonly CallerMembership[]
  /** Every project that the caller can see, in the order in which it came to them. */
  projects: readonly CallerProject[]
}
