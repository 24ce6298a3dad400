import type { Action } from './roles.ts'

/** The scopes of which one is enough for an action; `{ns}` is the organisation's slug, `*` any. Admin scopes allow all. */
const SCOPES_FOR: Readonly<Record<Action, readonly string[]>> = {
  'jobs:read': ['jobs:read', 'jobs:write'],
  'jobs:write': ['jobs:write'],
  'datasets:read': ['datasets:read', 'datasets:write'],
  'datasets:write': ['datasets:write'],
  'trainers:read': ['pull:{ns}', 'push:{ns}'],
  'trainers:write': ['push:{ns}'],
  // Which organisations and projects there are is no secret to a token of one of their people.
  'organisation:read': ['*'],
  'projects:write': [],
  'members:write': [],
  'audit:read': [],
  'owners:write': [],
}

/** Whether scopes cover an action in some organisation; without a slug: whether they could in any. */
export function scopesCover(scopes: readonly string[] | undefined, action: Action, slug?: string): boolean {
  if (scopes === undefined) return true
  const wanted = SCOPES_FOR[action]
  if (wanted.includes('*')) return true
  return scopes.some((scope) => {
    const [verb = '', target = '', ...rest] = scope.split(':')
    // Scopes of other issuers may be any text.
    if (target === '' || rest.length > 0) return false
    if (verb === 'admin') return target === '*' || slug === undefined || target === slug
    return wanted.some((want) => {
      const [wantVerb = '', wantTarget = ''] = want.split(':')
      if (wantTarget !== '{ns}') return scope === want
      return verb === wantVerb && (target === '*' || slug === undefined || target === slug)
    })
  })
}

/** The scope to ask for when an action was refused. */
export function scopeFor(action: Action, slug = '*'): string {
  return SCOPES_FOR[action][0]?.replace('{ns}', slug) ?? `admin:${slug}`
}

/** Whether a holder of scopes may hand out one of them: nothing that it does not have. */
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
