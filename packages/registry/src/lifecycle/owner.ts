import { TrainyardError } from '@trainyard/platform'
import type { Transaction } from 'kysely'
import type { RegistryCaller } from '../auth/caller.ts'
import type { RegistryContext } from '../context.ts'
import type { RegistryDatabase } from '../db/schema/index.ts'

/** A request to change a trainer, by a caller who may push to it. */
export interface OwnerRequest {
  context: RegistryContext
  caller: RegistryCaller
  /** `namespace/name` */
  name: string
  /** The client's address, for audit rows. */
  address: string
}

/** The answer does not depend on whether the trainer exists. */
export function requireOwner({ caller, name }: OwnerRequest): void {
  if (caller.may('push', name)) return
  const scope = `push:${name.slice(0, name.indexOf('/'))}`
  if (caller.credentials === 'none')
    throw new TrainyardError('unauthenticated', `Changing "${name}" requires a token with the scope "${scope}"`)
  throw new TrainyardError('forbidden', `Changing "${name}" requires the scope "${scope}"`)
}

export async function auditTrainer(
  { context, caller, name, address }: OwnerRequest,
  trx: Transaction<RegistryDatabase>,
  entry: { action: string; subject: string; data: Record<string, unknown> },
): Promise<void> {
  const organisation = name.slice(0, name.indexOf('/'))
  await context.identity.audit(trx, { ...caller.actor, address, organisation, ...entry })
}
