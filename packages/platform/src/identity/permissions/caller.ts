import type { Role } from '@trainyard/contract'

/** How a caller was authenticated. `local`: by the token in the data folder. */
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

/** Who performs an action, as it is recorded in the audit. */
export interface AuditActor {
  /** Id of an account, the owner of a token without an account, or a part of the platform. */
  actor: string
  /** Undefined: the platform itself, or an operator's command. */
  credentials?: CallerCredentials | undefined
  /** Id of the token or session. */
  tokenId?: string | undefined
  /** The client's address. */
  address?: string | undefined
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
  /** When the credentials end. Undefined: never. */
  expiresAt: Date | undefined
  /** The client's address; undefined where it is not known. */
  address?: string | undefined
  /** Undefined: everything that the account can do. */
  scopes: readonly string[] | undefined
  limit: CallerLimit
  memberships: readonly CallerMembership[]
  /** Every project that the caller can see, in the order in which the caller joined the organisations. */
  projects: readonly CallerProject[]
}

export function actorOf({ subject, credentials, tokenId, address }: Caller): AuditActor {
  return { actor: subject, credentials, tokenId, address }
}
