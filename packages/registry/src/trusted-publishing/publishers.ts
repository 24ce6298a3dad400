import { type AddPublisherRequest, type Publisher, type PublisherTest, TrainerName } from '@trainyard/contract'
import { claimNamespace, invalidRequest, lockUntilEnd, newId, notFound, TrainyardError } from '@trainyard/platform'
import type { RegistryContext } from '../context.ts'
import type { TrustedPublisherRow } from '../db/schema/trusted-publishers.ts'
import { type CiIssuer, DEFAULT_CI_ISSUERS } from '../job-tokens/ci-issuers.ts'
import { findMismatches, type PublisherConditions } from '../job-tokens/match-publisher.ts'
import { type OwnerRequest, requireAdministrator, requireInspect } from '../lifecycle/owner.ts'
import { findNameProblem } from '../names/find-name-problem.ts'
import { auditNamespace } from '../names/namespace-request.ts'

const MAX_PUBLISHERS = 20

export const issuersOf = ({ config }: Pick<RegistryContext, 'config'>): readonly CiIssuer[] =>
  config.ciIssuers ?? DEFAULT_CI_ISSUERS

export function conditionsOf(row: TrustedPublisherRow): PublisherConditions {
  return {
    repository: row.repository,
    repositoryId: row.repository_id ?? undefined,
    ownerId: row.owner_id ?? undefined,
    workflow: row.workflow ?? undefined,
    environment: row.environment ?? undefined,
    ref: row.ref ?? undefined,
  }
}

function toPublisher(context: RegistryContext, row: TrustedPublisherRow, isPending: boolean): Publisher {
  const { id, trainer, last_used_at, last_use, last_refusal } = row
  return {
    id,
    trainer,
    issuer: issuersOf(context).find(({ issuer }) => issuer === row.issuer)?.name ?? row.issuer,
    ...conditionsOf(row),
    isPending,
    createdAt: row.created_at.toISOString(),
    lastUse: last_use === null || last_used_at === null ? undefined : { ...last_use, at: last_used_at.toISOString() },
    lastRefusal: last_refusal ?? undefined,
  }
}

async function trainerExists({ database }: RegistryContext, name: string): Promise<boolean> {
  const row = await database.db.selectFrom('repositories').select('id').where('name', '=', name).executeTakeFirst()
  return row !== undefined
}

/** For those who may see what is not published. */
export async function listPublishers(request: OwnerRequest): Promise<Publisher[]> {
  requireInspect(request)
  const { context, name } = request
  const rows = await context.database.db
    .selectFrom('trusted_publishers')
    .selectAll()
    .where('trainer', '=', name)
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  const isPending = !(await trainerExists(context, name))
  return rows.map((row) => toPublisher(context, row, isPending))
}

/** Lets the jobs of a repository publish a trainer, which need not exist yet. */
export async function addPublisher(request: OwnerRequest, body: AddPublisherRequest): Promise<Publisher> {
  requireAdministrator(request)
  const { context, caller, name } = request
  const { namespace } = request
  const issuer = issuersOf(context).find((one) => one.name === body.issuer)
  if (issuer === undefined) {
    const names = issuersOf(context).map((one) => `"${one.name}"`)
    const detail = names.length === 0 ? 'must be absent: this registry has no issuers' : `must be ${names.join(' or ')}`
    throw invalidRequest([{ path: 'issuer', detail, value: body.issuer }])
  }
  if (!TrainerName.safeParse(name).success && !context.config.plainNamespaces.includes(namespace))
    throw new TrainyardError(
      'unprocessable',
      `"${name}" cannot be the name of a trainer: "namespace/name" in lower case`,
    )
  const exists = await trainerExists(context, name)
  if (!exists && !caller.mayTakeAnyName && !context.config.plainNamespaces.includes(namespace)) {
    const problem = await findNameProblem(context, name)
    if (problem !== undefined)
      throw new TrainyardError('unprocessable', `The name "${name}" cannot be used: ${problem}`)
  }
  const row = await context.database.transaction(async (trx) => {
    const claimed = await claimNamespace(context.identity, trx, { slug: namespace, subject: caller.subject })
    // Without the lock, concurrent requests would all count the same publishers.
    await lockUntilEnd(trx, `publishers of ${name}`)
    const { count } = await trx
      .selectFrom('trusted_publishers')
      .select((all) => all.fn.countAll<string>().as('count'))
      .where('trainer', '=', name)
      .executeTakeFirstOrThrow()
    if (Number(count) >= MAX_PUBLISHERS)
      throw new TrainyardError('conflict', `"${name}" has ${count} publishers, which is the maximum; remove one first`)
    const added = await trx
      .insertInto('trusted_publishers')
      .values({
        id: newId('pub'),
        trainer: name,
        namespace,
        issuer: issuer.issuer,
        repository: body.repository,
        repository_id: body.repositoryId ?? null,
        owner_id: body.ownerId ?? null,
        workflow: body.workflow ?? null,
        environment: body.environment ?? null,
        ref: body.ref ?? null,
        created_by: caller.subject,
        created_at: context.clock.now(),
        last_used_at: null,
      })
      .returningAll()
      .executeTakeFirstOrThrow()
    const data = { publisher: added.id, ...body, ...(claimed && { claimedNamespace: namespace }) }
    await auditNamespace(request, trx, { action: 'publisher.add', subject: name, data })
    return added
  })
  return toPublisher(context, row, !exists)
}

/** Its tokens end with it, in the same transaction. */
export async function removePublisher(request: OwnerRequest, id: string): Promise<void> {
  requireAdministrator(request)
  const { context, caller, name, address } = request
  await context.database.transaction(async (trx) => {
    const removed = await trx
      .deleteFrom('trusted_publishers')
      .where('id', '=', id)
      .where('trainer', '=', name)
      .returning(['repository', 'issuer'])
      .executeTakeFirst()
    if (removed === undefined) throw notFound('publisher', id)
    const data = { publisher: id, issuer: removed.issuer, repository: removed.repository }
    await auditNamespace(request, trx, { action: 'publisher.remove', subject: name, data })
    await context.identity.revokeTokensOf(trx, { owner: id, by: { ...caller.actor, address } })
  })
}

/** Tests the connection to the issuer and, with a token, whether its job may publish. The token can still be exchanged. */
export async function testPublisher(
  request: OwnerRequest,
  { id, token }: { id: string; token?: string | undefined },
): Promise<PublisherTest> {
  requireAdministrator(request)
  const { context, name } = request
  const row = await context.database.db
    .selectFrom('trusted_publishers')
    .selectAll()
    .where('id', '=', id)
    .where('trainer', '=', name)
    .executeTakeFirst()
  if (row === undefined) throw notFound('publisher', id)
  const issuer = issuersOf(context).find((one) => one.issuer === row.issuer)
  if (issuer === undefined)
    return { ok: false, reasons: [`this registry does not accept the issuer ${row.issuer} any more`] }
  try {
    const keys = await context.jobTokens.countKeys(issuer)
    if (keys === 0) return { ok: false, keys, reasons: [`the issuer ${issuer.issuer} has no keys`] }
    if (token === undefined) return { ok: true, keys, reasons: [] }
    const options = { audience: context.config.publicUrl, now: context.clock.now() }
    const { issuer: signedBy, job } = await context.jobTokens.verify(token, options)
    const reasons =
      signedBy.issuer === row.issuer
        ? findMismatches(issuer, conditionsOf(row), job)
        : [`the token says issuer ${signedBy.issuer}, the publisher expects ${row.issuer}`]
    return { ok: reasons.length === 0, keys, reasons, job }
  } catch (error) {
    if (error instanceof TrainyardError && ['unauthenticated', 'unavailable'].includes(error.code))
      return { ok: false, reasons: [error.detail] }
    throw error
  }
}
