import type { Role } from '@trainyard/contract'

/** How a caller was authenticated. `local`: without credentials, on its own machine. */
export type CallerCredentials = 'local' | 'session' | 'token' | 'issuer'

export interface CallerMembership {
  organisationId: string
  /** The slug, which is also the registry's namespace. */
  organisation: string
  role: Role
}

/** A project that the caller can see, with the caller's role in its organisation. */
export interface CallerProject extends CallerMembership {
  id: string
  /** `organisation/project` */
  name: string
}

export interface CallerAccount {
  id: string
  email: string | undefined
  displayName: string
  /** Administers the installation: can push to every namespace and create accounts. Sees no more jobs than others. */
  operator: boolean
}

/** The organisation or project that a token is limited to. */
export interface CallerLimit {
  organisationId?: string | undefined
  projectId?: string | undefined
}

/** Who sent a request, and what it can do. Loaded for each request, so that a revoked permission has effect at once. */
export interface Caller {
  /** For audit rows: the account's id, or the owner of a token without an account. */
  subject: string
  /** Undefined for a registry token that belongs to no account. */
  account: CallerAccount | undefined
  credentials: CallerCredentials
  /** Id of the token or session; undefined for other credentials. */
  tokenId: string | undefined
  /** Undefined: everything that the account can do. */
  scopes: readonly string[] | undefined
  limit: CallerLimit
  memberships: readonly CallerMembership[]
  /** Every project that the caller can see, in the order in which the caller joined the organisations. */
  projects: readonly CallerProject[]
}
