import type { AuditPage } from '@trainyard/contract'
import type { IdentityStore } from '../db/identity-store.ts'
import type { Caller } from '../permissions/caller.ts'
import { requireOrganisation } from '../permissions/require-organisation.ts'
import { listAudit } from './list-audit.ts'

/** One page of an organisation's audit, newest first. */
export async function readAuditPage(
  identity: IdentityStore,
  caller: Caller,
  organisation: string,
  { cursor, limit }: { cursor?: number | undefined; limit: number },
): Promise<AuditPage> {
  const { organisationId } = requireOrganisation(caller, organisation, 'audit:read')
  // One more row than the page has, to know whether another page follows.
  const rows = await listAudit(identity, { organisationId, limit: limit + 1, before: cursor })
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  const projectNames = new Map(caller.projects.map(({ id, name }) => [id, name]))
  return {
    rows: page.map(({ id, at, actor, actorName, action, subject, subjectName, projectId, data, ...row }) => ({
      id,
      at: at.toISOString(),
      actor,
      actorName,
      credentials: row.credentials,
      token: row.tokenId === undefined ? undefined : { id: row.tokenId, name: row.tokenName },
      address: row.address,
      action,
      subject,
      subjectName,
      project: projectId === undefined ? undefined : projectNames.get(projectId),
      data,
    })),
    nextCursor: rows.length > limit && last !== undefined ? String(last.id) : undefined,
  }
}
