import type { ExchangedToken, ExchangeTokenRequest, PublishingJob } from '@trainyard/contract'
import { TrainyardError } from '@trainyard/platform'
import { sql } from 'kysely'
import type { RegistryContext } from '../context.ts'
import { toJsonText } from '../db/json.ts'
import type { TrustedPublisherRow } from '../db/schema/trusted-publishers.ts'
import { findMismatches, isOfRepository } from '../job-tokens/match-publisher.ts'
import type { VerifiedJob } from '../job-tokens/verify-job-token.ts'
import { namespaceOf } from '../oci/names.ts'
import { conditionsOf } from './publishers.ts'

/**
 * Exchanges a token of a CI's job for a short one that can push versions of one trainer.
 *
 * @throws TrainyardError `unauthenticated`, `forbidden` or `unavailable`, with the exact reason
 */
export async function exchangeToken(
  context: RegistryContext,
  { trainer, token }: ExchangeTokenRequest,
  address: string,
): Promise<ExchangedToken> {
  const now = context.clock.now()
  const verified = await context.jobTokens.verify(token, { audience: context.config.publicUrl, now })
  const publisher = await choosePublisher(context, trainer, verified)
  return await context.database.transaction(async (trx) => {
    await trx
      .deleteFrom('exchanged_tokens')
      .where('expires_at', '<', new Date(now.getTime() - 60_000))
      .execute()
    const first = await trx
      .insertInto('exchanged_tokens')
      .values({ issuer: verified.issuer.issuer, token_id: verified.tokenId, expires_at: verified.expiresAt })
      .onConflict((conflict) => conflict.doNothing())
      .returning('token_id')
      .executeTakeFirst()
    if (first === undefined)
      throw new TrainyardError(
        'unauthenticated',
        'The token was exchanged before; the job must ask the CI for a new one',
      )
    const { job } = verified
    // From the first use on, the numbers count: the name of the repository can change hands.
    const pinned = await trx
      .updateTable('trusted_publishers')
      .set({
        repository_id: sql<string>`coalesce(repository_id, ${job.repositoryId ?? null})`,
        owner_id: sql<string>`coalesce(owner_id, ${job.ownerId ?? null})`,
        last_used_at: now,
        last_use: toJsonText(job),
        last_refusal: null,
      })
      .where('id', '=', publisher.id)
      // Another job may have pinned them in the meantime.
      .where((where) =>
        where.or([where('repository_id', 'is', null), where('repository_id', '=', job.repositoryId ?? '')]),
      )
      .returning('id')
      .executeTakeFirst()
    if (pinned === undefined)
      throw new TrainyardError('forbidden', `The publisher of "${trainer}" was changed or removed in the meantime`)
    await context.identity.audit(trx, {
      actor: publisher.id,
      address,
      organisation: namespaceOf(trainer),
      action: 'publisher.exchange',
      subject: trainer,
      data: { ...job },
    })
    // The publisher is locked until this commits: a removal that waits for it finds the token and revokes it.
    return await createPushToken(context, publisher, job)
  })
}

async function createPushToken(
  { clock, config, identity }: RegistryContext,
  { id, trainer }: TrustedPublisherRow,
  job: PublishingJob,
): Promise<ExchangedToken> {
  const expiresAt = new Date(clock.now().getTime() + (config.publishingTokenSeconds ?? 3600) * 1000)
  const name = `${job.issuer} ${job.repository ?? ''} run ${job.run ?? 'unknown'}`.slice(0, 100)
  const { secret } = await identity.createToken({ owner: id, name, scopes: [`push:${trainer}`], expiresAt })
  return { token: secret, expiresAt: expiresAt.toISOString(), trainer, publisher: id }
}

async function choosePublisher(
  context: RegistryContext,
  trainer: string,
  { issuer, job }: VerifiedJob,
): Promise<TrustedPublisherRow> {
  const rows = await context.database.db
    .selectFrom('trusted_publishers')
    .selectAll()
    .where('trainer', '=', trainer)
    .where('issuer', '=', issuer.issuer)
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  // Strangers do not learn which publishers there are; the repository itself learns what is different.
  const own = rows.filter((row) => isOfRepository(issuer, conditionsOf(row), job))
  const tried = own.map((row) => ({ row, reasons: findMismatches(issuer, conditionsOf(row), job) }))
  const fitting = tried.find(({ reasons }) => reasons.length === 0)
  if (fitting !== undefined) return fitting.row
  const at = context.clock.now().toISOString()
  for (const { row, reasons } of tried)
    await context.database.db
      .updateTable('trusted_publishers')
      .set({ last_refusal: toJsonText({ at, reasons }) })
      .where('id', '=', row.id)
      .execute()
  const who = `${issuer.name} repository ${job.repository ?? 'without a name'} (number ${job.repositoryId ?? 'unknown'})`
  throw new TrainyardError(
    'forbidden',
    tried.length === 0
      ? `No publisher of "${trainer}" is for the ${who}; an administrator of the namespace adds one in the settings of the trainer`
      : `The job cannot publish "${trainer}": ${tried.map(({ reasons }) => reasons.join('; ')).join(' — or, by another publisher: ')}`,
  )
}
