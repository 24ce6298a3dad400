import { clientAddress, TrainyardError } from '@trainyard/platform'
import type { Transaction } from 'kysely'
import { requireCaller } from '../auth/authenticate.ts'
import type { RegistryCaller } from '../auth/caller.ts'
import type { RegistryContext } from '../context.ts'
import type { RegistryDatabase } from '../db/schema/index.ts'

/** A request about a namespace, by a caller who is known. */
export interface NamespaceRequest {
  context: RegistryContext
  caller: RegistryCaller
  namespace: string
  /** The client's address, for audit rows. */
  address: string
}

export async function namespaceRequestOf(
  context: RegistryContext,
  raw: Request,
  { namespace }: { namespace: string },
): Promise<NamespaceRequest> {
  const address = clientAddress(raw, context.authenticator.config)
  return { context, caller: await requireCaller(context, raw), namespace, address }
}

/** The answer does not depend on whether the namespace exists. `what` is what only administrators see and change. */
export function requireNamespaceAdministrator({ caller, namespace }: NamespaceRequest, what: string): void {
  // The permission is one of the namespace: every repository in it has the same.
  if (caller.may('administer', `${namespace}/`)) return
  throw new TrainyardError(
    caller.credentials === 'none' ? 'unauthenticated' : 'forbidden',
    `The ${what} of "${namespace}" require the scope "admin:${namespace}" and the role admin in "${namespace}"`,
  )
}

export async function auditNamespace(
  { context, caller, namespace, address }: NamespaceRequest,
  trx: Transaction<RegistryDatabase>,
  entry: { action: string; subject: string; subjectName?: string; data: Record<string, unknown> },
): Promise<void> {
  await context.identity.audit(trx, { ...caller.actor, address, organisation: namespace, ...entry })
}
