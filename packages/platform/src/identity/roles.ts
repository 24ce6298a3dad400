import type { Role } from '@trainyard/contract'

/** From the least to the most: each role may do all that those before it may. */
const ORDER: readonly Role[] = ['viewer', 'member', 'admin', 'owner']

export function isAtLeast(role: Role, least: Role): boolean {
  return ORDER.indexOf(role) >= ORDER.indexOf(least)
}

export function higherRole(one: Role, other: Role): Role {
  return isAtLeast(one, other) ? one : other
}

/** What can be done in an organisation, and the least role that may. */
export const LEAST_ROLE = {
  'jobs:read': 'viewer',
  'jobs:write': 'member',
  'datasets:read': 'viewer',
  'datasets:write': 'member',
  /** Versions of the namespace that are not published yet. */
  'trainers:read': 'viewer',
  'trainers:write': 'member',
  'organisation:read': 'viewer',
  'projects:write': 'admin',
  'members:write': 'admin',
  'audit:read': 'admin',
  /** Making and unmaking owners. */
  'owners:write': 'owner',
} as const satisfies Record<string, Role>

export type Action = keyof typeof LEAST_ROLE
