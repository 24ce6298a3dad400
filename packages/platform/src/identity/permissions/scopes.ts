import type { Action } from './roles.ts'

/** Any one of these scopes allows the action. `{ns}` is the organisation's slug, `*` any scope. Admin scopes allow everything. */
const SCOPES_FOR: Readonly<Record<Action, readonly string[]>> = {
  'jobs:read': ['jobs:read', 'jobs:write'],
  'jobs:write': ['jobs:write'],
  'datasets:read': ['datasets:read', 'datasets:write'],
  'datasets:write': ['datasets:write'],
  'trainers:read': ['pull:{ns}', 'push:{ns}'],
  'trainers:write': ['push:{ns}'],
  // Pushing adds; only administering removes.
  'trainers:delete': [],
  'trainers:administer': [],
  // Any token of a member can list the member's organisations and projects.
  'organisation:read': ['*'],
  'projects:write': [],
  'members:read': [],
  'members:write': [],
  'audit:read': [],
  'owners:write': [],
}

/** Whether scopes allow an action in the organisation `slug`; without a slug, in at least one organisation. */
export function scopesCover(scopes: readonly string[] | undefined, action: Action, slug?: string): boolean {
  if (scopes === undefined) return true
  const sufficient = SCOPES_FOR[action]
  if (sufficient.includes('*')) return true
  return scopes.some((scope) => {
    const [verb = '', target = '', ...rest] = scope.split(':')
    // Scopes of external issuers can be any text.
    if (target === '' || rest.length > 0) return false
    if (verb === 'admin') return target === '*' || slug === undefined || target === slug
    return sufficient.some((one) => {
      const [sufficientVerb = '', sufficientTarget = ''] = one.split(':')
      if (sufficientTarget !== '{ns}') return scope === one
      return verb === sufficientVerb && (target === '*' || slug === undefined || target === slug)
    })
  })
}

/** The scope to name in the message when an action was refused. */
export function scopeFor(action: Action, slug = '*'): string {
  return SCOPES_FOR[action][0]?.replace('{ns}', slug) ?? `admin:${slug}`
}

/** Allows its token to create, list and revoke tokens of its owner. `admin:*` includes it. */
const MANAGE_TOKENS = 'tokens:manage'

export function scopesManageTokens(scopes: readonly string[] | undefined): boolean {
  return scopesInclude(scopes, MANAGE_TOKENS)
}

/** Whether the held scopes include another one: a token can only create tokens with scopes that it has itself. */
export function scopesInclude(held: readonly string[] | undefined, scope: string): boolean {
  if (held === undefined || held.includes(scope) || held.includes('admin:*')) return true
  const [verb = '', target = ''] = scope.split(':')
  switch (verb) {
    case 'jobs':
    case 'datasets':
      return target === 'read' && held.includes(`${verb}:write`)
    case 'pull':
      return ['pull', 'push', 'admin'].some((one) => held.includes(`${one}:${target}`) || held.includes(`${one}:*`))
    case 'push':
      return held.includes('push:*') || held.includes(`admin:${target}`)
    default:
      return false
  }
}
