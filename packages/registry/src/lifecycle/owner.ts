import { TrainyardError } from '@trainyard/platform'
import type { RepositoryAction } from '../auth/caller.ts'
import type { RegistryContext } from '../context.ts'
import { type NamespaceRequest, namespaceRequestOf } from '../names/namespace-request.ts'

/** A request to change a trainer, by a caller who may push to it. */
export interface OwnerRequest extends NamespaceRequest {
  /** `namespace/name` */
  name: string
}

export async function ownerRequestOf(
  context: RegistryContext,
  raw: Request,
  params: { namespace: string; name: string },
): Promise<OwnerRequest> {
  return { ...(await namespaceRequestOf(context, raw, params)), name: `${params.namespace}/${params.name}` }
}

/** The answer does not depend on whether the trainer exists. */
export function requireOwner(request: OwnerRequest): void {
  requireAction(request, 'push', { verb: 'Changing', scope: `push:${request.namespace}` })
}

/** The same for who may see what is not published. */
export function requireInspect(request: OwnerRequest): void {
  requireAction(request, 'inspect', { verb: 'Reading the settings of', scope: `pull:${request.namespace}` })
}

/** The same for settings that let others in: members who can only push do not decide who else can. */
export function requireAdministrator(request: OwnerRequest): void {
  const scope = `admin:${request.namespace}`
  requireAction(request, 'administer', { verb: 'Changing the settings of', scope, role: 'admin' })
}

function requireAction(
  { caller, name, namespace }: OwnerRequest,
  action: RepositoryAction,
  { verb, scope, role }: { verb: string; scope: string; role?: string | undefined },
): void {
  if (caller.may(action, name)) return
  const inRole = role === undefined ? '' : ` and the role ${role} in "${namespace}"`
  if (caller.credentials === 'none')
    throw new TrainyardError('unauthenticated', `${verb} "${name}" requires a token with the scope "${scope}"${inRole}`)
  throw new TrainyardError('forbidden', `${verb} "${name}" requires the scope "${scope}"${inRole}`)
}
