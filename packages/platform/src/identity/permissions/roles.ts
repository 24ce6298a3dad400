import type { Role } from '@trainyard/contract'

/** In ascending order: each role includes the ones before it. */
const ORDER: readonly Role[] = ['viewer', 'member', 'admin', 'owner']

export function isAtLeast(role: Role, least: Role): boolean {
  return ORDER.indexOf(role) >= ORDER.indexOf(least)
}

export function higherRole(one: Role, other: Role): Role {
  return isAtLeast(one, other) ? one : other
}

/** The actions in an organisation, and the lowest role that allows each. */
export const LEAST_ROLE = {
  'jobs:read': 'viewer',
  'jobs:write': 'member',
  'datasets:read': 'viewer',
  'datasets:write': 'member',
  /** Versions of the namespace that are not published yet. */
  'trainers:read': 'viewer',
  'trainers:write': 'member',
  /** Manifests, tags and blobs of plain repositories. Versions of trainers cannot be deleted. */
  'trainers:delete': 'member',
  /** Settings that let others in: publishers, webhooks. */
  'trainers:administer': 'admin',
  'organisation:read': 'viewer',
  'projects:write': 'admin',
  'members:read': 'viewer',
  'members:write': 'admin',
  'audit:read': 'admin',
  /** Granting and revoking the role owner. */
  'owners:write': 'owner',
} as const satisfies Record<string, Role>

export type Action = keyof typeof LEAST_ROLE
