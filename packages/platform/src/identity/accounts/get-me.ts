import type { Me } from '@trainyard/contract'
import type { IdentityStore } from '../db/identity-store.ts'
import type { Caller } from '../permissions/caller.ts'
import { projectsFor } from '../permissions/can.ts'
import { toAccount } from './account-view.ts'

/** The caller's own account, roles and projects. */
export async function getMe({ database }: IdentityStore, caller: Caller): Promise<Me> {
  const account =
    caller.account === undefined
      ? undefined
      : await database.db.selectFrom('accounts').selectAll().where('id', '=', caller.account.id).executeTakeFirst()
  return {
    account: account && toAccount(account),
    credentials: caller.credentials,
    scopes: caller.scopes && [...caller.scopes],
    expiresAt: caller.expiresAt?.toISOString(),
    organisations: caller.memberships.map(({ organisation, role }) => ({ slug: organisation, role })),
    projects: caller.projects.map(({ name, role }) => ({ name, role })),
    defaultProject: projectsFor(caller, 'jobs:write')[0]?.name,
  }
}
