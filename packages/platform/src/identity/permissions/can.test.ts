import { Role } from '@trainyard/contract'
import { describe, expect, it } from 'vitest'
import type { Caller } from './caller.ts'
import { can, canManageOwn, projectsFor, requireCan, requireManageOwn, requireScope } from './can.ts'
import { type Action, LEAST_ROLE } from './roles.ts'
import { scopesInclude } from './scopes.ts'

const ACTIONS = Object.keys(LEAST_ROLE) as Action[]
const RED = { organisationId: 'org_red', organisation: 'red' }
const BLUE = { organisationId: 'org_blue', organisation: 'blue' }

function caller(role: Role | undefined, more: Partial<Caller> = {}): Caller {
  const memberships = role === undefined ? [] : [{ ...RED, role }]
  return {
    subject: 'acc_a',
    account: undefined,
    credentials: 'session',
    tokenId: undefined,
    expiresAt: undefined,
    scopes: undefined,
    limit: {},
    memberships,
    projects: memberships.flatMap((one) => [
      { ...one, id: 'prj_1', name: 'red/one' },
      { ...one, id: 'prj_2', name: 'red/two' },
    ]),
    ...more,
  }
}
const inRed = { organisationId: 'org_red', projectId: 'prj_1' }
const allowed = (who: Caller, target = inRed) => ACTIONS.filter((action) => can(who, action, target))

const READ: Action[] = ['jobs:read', 'datasets:read', 'trainers:read', 'organisation:read', 'members:read']
const WRITE: Action[] = ['jobs:write', 'datasets:write', 'trainers:write', 'trainers:delete']
const ADMINISTER: Action[] = ['trainers:administer', 'projects:write', 'members:write', 'audit:read']
const sorted = (actions: readonly Action[]) => [...actions].sort()

describe('the actions that a role allows', () => {
  const table: [Role | undefined, Action[]][] = [
    [undefined, []],
    ['viewer', READ],
    ['member', [...READ, ...WRITE]],
    ['admin', [...READ, ...WRITE, ...ADMINISTER]],
    ['owner', [...READ, ...WRITE, ...ADMINISTER, 'owners:write']],
  ]
  it.each(table)('%s', (role, actions) => {
    expect(sorted(allowed(caller(role)))).toEqual(sorted(actions))
    expect(allowed(caller(role), { organisationId: BLUE.organisationId, projectId: 'prj_9' })).toEqual([])
  })

  it('cover every role and every action', () => {
    expect(table.map(([role]) => role)).toEqual(expect.arrayContaining([...Role.options]))
    expect(sorted([...READ, ...WRITE, ...ADMINISTER, 'owners:write'])).toEqual(sorted(ACTIONS))
  })
})

describe('the actions that the scopes of an owner’s token allow', () => {
  const table: [string[], Action[]][] = [
    [[], ['organisation:read']],
    [['jobs:read'], ['jobs:read', 'organisation:read']],
    [['jobs:write'], ['jobs:read', 'jobs:write', 'organisation:read']],
    [['datasets:read'], ['datasets:read', 'organisation:read']],
    [['datasets:write'], ['datasets:read', 'datasets:write', 'organisation:read']],
    [['pull:red'], ['trainers:read', 'organisation:read']],
    [['push:red'], ['trainers:read', 'trainers:write', 'organisation:read']],
    [['push:*'], ['trainers:read', 'trainers:write', 'organisation:read']],
    [['push:blue', 'pull:blue', 'admin:blue'], ['organisation:read']],
    [['admin:red'], ACTIONS],
    [['admin:*'], ACTIONS],
    [['jobs', 'jobs:', ':read', 'jobs:*', 'push:red:x2', 'admin'], ['organisation:read']],
  ]
  it.each(table)('%s', (scopes, actions) => {
    expect(sorted(allowed(caller('owner', { scopes })))).toEqual(sorted(actions))
  })

  it('are never more than those of the role', () => {
    for (const role of Role.options)
      expect(allowed(caller(role, { scopes: ['admin:*'] }))).toEqual(allowed(caller(role)))
    expect(allowed(caller('viewer', { scopes: ['jobs:write'] }))).toEqual(['jobs:read', 'organisation:read'])
  })
})

describe('a limited token', () => {
  it('allows nothing outside of its organisation', () => {
    expect(allowed(caller('owner', { limit: { organisationId: 'org_blue' } }))).toEqual([])
  })

  it('allows the actions in its project, and none on the organisation except reading it', () => {
    const limited = caller('owner', { limit: { organisationId: 'org_red', projectId: 'prj_1' } })
    expect(allowed(limited)).toEqual(ACTIONS)
    expect(allowed(limited, { organisationId: 'org_red', projectId: 'prj_2' })).toEqual([])
    expect(ACTIONS.filter((action) => can(limited, action, { organisationId: 'org_red' }))).toEqual([
      'organisation:read',
    ])
    expect(projectsFor(limited, 'jobs:read').map(({ id }) => id)).toEqual(['prj_1'])
  })
})

describe('a refusal', () => {
  it('names the required role', () => {
    expect(() => requireCan(caller('viewer'), 'jobs:write', inRed)).toThrow(
      'needs the role member in "red"; you have viewer',
    )
  })

  it('names the required scope, before any lookup', () => {
    const small = caller('owner', { scopes: ['pull:red'] })
    expect(() => requireScope(small, 'jobs:write')).toThrow(
      'needs a token with the scope "jobs:write"; this one has pull:red',
    )
    expect(() => requireScope(caller(undefined), 'jobs:write')).not.toThrow()
    // A scope for an organisation of which the caller is no member allows nothing.
    expect(() => requireScope(caller('owner', { scopes: ['admin:blue'] }), 'jobs:read')).toThrow('"jobs:read"')
    expect(() => requireScope(caller('owner', { scopes: ['admin:red'] }), 'jobs:read')).not.toThrow()
  })
})

it('a token can only create tokens with scopes that it has', () => {
  const table: [string[] | undefined, string, boolean][] = [
    [undefined, 'admin:*', true],
    [['admin:*'], 'jobs:write', true],
    [['admin:red'], 'admin:red', true],
    [['admin:red'], 'push:red', true],
    [['admin:red'], 'push:blue', false],
    [['admin:red'], 'admin:*', false],
    [['admin:red'], 'jobs:read', false],
    [['jobs:write'], 'jobs:read', true],
    [['jobs:read'], 'jobs:write', false],
    [['jobs:write'], 'datasets:read', false],
    [['push:*'], 'push:red', true],
    [['push:*'], 'pull:red', true],
    [['push:red'], 'push:*', false],
    [['pull:red'], 'push:red', false],
    [['jobs:write'], 'nonsense', false],
    [['tokens:manage'], 'tokens:manage', true],
    [['tokens:manage'], 'jobs:read', false],
    [['admin:*'], 'tokens:manage', true],
    [['admin:red', 'jobs:write', 'push:*'], 'tokens:manage', false],
  ]
  for (const [held, scope, expected] of table)
    expect([held, scope, scopesInclude(held, scope)]).toEqual([held, scope, expected])
})

it('an account is managed by its person alone, and its tokens also by tokens with the scope for that', () => {
  const account = { id: 'acc_a', email: undefined, displayName: 'Ada', operator: true }
  const person = caller('owner', { account })
  expect([canManageOwn(person, 'account'), canManageOwn(person, 'tokens')]).toEqual([true, true])
  const others = ['jobs:read', 'jobs:write', 'datasets:read', 'datasets:write', 'pull:*', 'push:*', 'admin:red']
  const table: [string[], boolean][] = [
    [[], false],
    [others, false],
    [['tokens:manage'], true],
    [['admin:*'], true],
  ]
  for (const [scopes, manages] of table) {
    const token = caller('owner', { account, credentials: 'token', scopes })
    expect([scopes, canManageOwn(token, 'account'), canManageOwn(token, 'tokens')]).toEqual([scopes, false, manages])
  }
  expect(() => requireManageOwn(caller('owner', { scopes: ['jobs:read'] }), 'tokens')).toThrow(
    'needs a session, or a token with the scope "tokens:manage"; this one has jobs:read',
  )
})
