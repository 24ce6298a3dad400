import type { Me } from '@trainyard/contract'
import { toAccount } from './account-view.ts'
import type { Caller } from './caller.ts'
import { projectsFor } from './can.ts'
import type { Identity } from './open-identity.ts'

/** A caller, as they may see themselves. */
export async function getMe({ database }: Identity, caller: Caller): Promise<Me> {
  const account =
    caller.account === undefined
      ? undefined
      : await database.db.selectFrom('accounts').selectAll().where('id', '=', caller.account.id).executeTakeFirst()
  const [first] = projectsFor(caller, 'jobs:write')
  return {
    ...(account === undefined ? {} : { account: toAccount(account) }),
    credentials: caller.credentials,
    ...(caller.scopes === undefined ? {} : { scopes: [...caller.scopes] }),
    organisations: caller.memberships.map(({ organisation, role }) => ({ slug: organisation, role })),
    projects: caller.projects.map(({ name, role }) => ({ name, role })),
    ...(first === undefined ? {} : { defaultProject: first.name }),
  }
}
