import type { AuditPage } from '@trainyard/contract'
import type { Caller } from './caller.ts'
import type { Identity } from './open-identity.ts'
import { requireOrganisation } from './organisations.ts'

/** What was done in an organisation, newest first. */
export async function readAuditPage(
  identity: Identity,
  caller: Caller,
  organisation: string,
  { cursor, limit }: { cursor?: number | undefined; limit: number },
): Promise<AuditPage> {
  const { organisationId } = requireOrganisation(caller, organisation, 'audit:read')
  const before = cursor === undefined ? {} : { before: cursor }
  const rows = await identity.listAudit({ organisationId, limit: limit + 1, ...before })
  const page = rows.slice(0, limit)
  const names = new Map(caller.projects.map(({ id, name }) => [id, name]))
  const last = page.at(-1)
  return {
    rows: page.map(({ id, at, actor, action, subject, projectId, data }) => {
      const project = projectId === undefined ? undefined : names.get(projectId)
      return { id, at: at.toISOString(), actor, action, subject, data, ...(project === undefined ? {} : { project }) }
    }),
    ...(rows.length > limit && last !== undefined ? { nextCursor: String(last.id) } : {}),
  }
}
