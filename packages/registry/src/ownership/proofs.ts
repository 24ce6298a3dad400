import { randomBytes } from 'node:crypto'
import type { AddProofRequest, OwnershipProof } from '@trainyard/contract'
import { claimNamespace, invalidRequest, lockUntilEnd, newId, notFound, TrainyardError } from '@trainyard/platform'
import type { NamespaceProofRow } from '../db/schema/namespace-proofs.ts'
import { auditNamespace, type NamespaceRequest, requireNamespaceAdministrator } from '../names/namespace-request.ts'
import { isProofValid } from '../names/verified-namespaces.ts'
import { DEFAULT_PROOF_HOSTS } from '../proof-hosts.ts'
import { followProofs } from '../search/popularity.ts'
import { checkProof, fileUrlOf, placeOf, textOf } from './check-proof.ts'

const MAX_PROOFS = 10
/** Between two checks by hand: each sends requests to others. */
const PAUSE_MS = 10_000

export async function listProofs(request: NamespaceRequest): Promise<OwnershipProof[]> {
  requireNamespaceAdministrator(request, 'proofs')
  const rows = await selectProofs(request).orderBy('created_at').orderBy('id').execute()
  return rows.map(toProof)
}

/** Says what the namespace belongs to. It counts once the record or file was found. */
export async function addProof(request: NamespaceRequest, body: AddProofRequest): Promise<OwnershipProof> {
  requireNamespaceAdministrator(request, 'proofs')
  const { context, caller, namespace } = request
  const subject = body.kind === 'dns' ? body.domain : body.repository
  if (body.kind === 'repository' && fileUrlOf(context, subject) === undefined) {
    const hosts = (context.config.proofHosts ?? DEFAULT_PROOF_HOSTS).map(({ host }) => host).join(' or ')
    const detail = `must be a repository of ${hosts || 'no host: this registry reads no repositories'}`
    throw invalidRequest([{ path: 'repository', detail, value: subject }])
  }
  const id = newId('prf')
  await context.database.transaction(async (trx) => {
    await claimNamespace(context.identity, trx, { slug: namespace, subject: caller.subject })
    // Without the lock, concurrent requests would all count the same proofs.
    await lockUntilEnd(trx, `proofs of ${namespace}`)
    const existing = await trx
      .selectFrom('namespace_proofs')
      .select(['kind', 'subject'])
      .where('namespace', '=', namespace)
      .execute()
    if (existing.some((one) => one.kind === body.kind && one.subject === subject))
      throw new TrainyardError('conflict', `"${namespace}" has a proof for ${subject} already`)
    if (existing.length >= MAX_PROOFS)
      throw new TrainyardError('conflict', `"${namespace}" has ${existing.length} proofs, which is the maximum`)
    const token = randomBytes(16).toString('hex')
    const values = { id, namespace, kind: body.kind, subject, token }
    await trx
      .insertInto('namespace_proofs')
      .values({ ...values, created_by: caller.subject, created_at: context.clock.now() })
      .execute()
    await auditNamespace(request, trx, { action: 'ownership.add', subject, data: { proof: id } })
  })
  return toProof(await getProof(request, id))
}

export async function removeProof(request: NamespaceRequest, id: string): Promise<void> {
  requireNamespaceAdministrator(request, 'proofs')
  await request.context.database.transaction(async (trx) => {
    const removed = await trx
      .deleteFrom('namespace_proofs')
      .where('id', '=', id)
      .where('namespace', '=', request.namespace)
      .returning('subject')
      .executeTakeFirst()
    if (removed === undefined) throw notFound('proof', id)
    await followProofs(trx, request.namespace)
    await auditNamespace(request, trx, { action: 'ownership.remove', subject: removed.subject, data: { proof: id } })
  })
}

/** Looks for the record or file now. */
export async function verifyProof(request: NamespaceRequest, id: string): Promise<OwnershipProof> {
  requireNamespaceAdministrator(request, 'proofs')
  const { context } = request
  const proof = await context.database.transaction(async (trx) => {
    const row = await trx
      .selectFrom('namespace_proofs')
      .selectAll()
      .where('id', '=', id)
      .where('namespace', '=', request.namespace)
      .forUpdate()
      .executeTakeFirst()
    if (row === undefined) throw notFound('proof', id)
    const now = context.clock.now()
    if (row.checked_at !== null && now.getTime() - row.checked_at.getTime() < PAUSE_MS)
      throw new TrainyardError('conflict', `${row.subject} was checked less than ${PAUSE_MS / 1000} seconds ago; wait`)
    await trx.updateTable('namespace_proofs').set({ checked_at: now }).where('id', '=', id).execute()
    await auditNamespace(request, trx, { action: 'ownership.verify', subject: row.subject, data: { proof: id } })
    return row
  })
  await checkProof(context, proof)
  return toProof(await getProof(request, id))
}

function selectProofs({ context, namespace }: NamespaceRequest) {
  return context.database.db
    .selectFrom('namespace_proofs')
    .selectAll()
    .select(isProofValid().as('valid'))
    .where('namespace', '=', namespace)
}

async function getProof(request: NamespaceRequest, id: string) {
  const row = await selectProofs(request).where('id', '=', id).executeTakeFirst()
  if (row === undefined) throw notFound('proof', id)
  return row
}

function toProof(row: NamespaceProofRow & { valid: boolean }): OwnershipProof {
  return {
    id: row.id,
    namespace: row.namespace,
    kind: row.kind,
    subject: row.subject,
    place: placeOf(row),
    value: textOf(row),
    isVerified: row.valid,
    verifiedAt: row.verified_at?.toISOString(),
    checkedAt: row.checked_at?.toISOString(),
    problem: row.problem ?? undefined,
    createdAt: row.created_at.toISOString(),
  }
}
