import { createHash, randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import type { RegistryCaller } from '../auth/caller.ts'
import type { RegistryContext } from '../context.ts'
import { raisePopularity } from '../search/popularity.ts'

export interface PullToCount {
  context: RegistryContext
  caller: RegistryCaller
  /** The client's address. Stands for a caller without an account. */
  address: string
  userAgent: string | null
  repositoryId: number
  /** Of the image's manifest or of the bundle's layer. */
  digest: string
}

/** Programs that pull to look, to copy or to scan, by what they call themselves. */
const BOTS = /bot\b|crawl|spider|scan|trivy|grype|clair|snyk|renovate|dependabot|watchtower|mirror|sync|monitor|uptime/i

/**
 * Counts a pull by a stranger. Each subject counts once a day for a trainer: 20 downloads by one address are one pull. Bots
 * are counted apart. Only a salted hash of the subject is kept, and only for the day.
 */
export async function countPull(pull: PullToCount): Promise<void> {
  const { context, caller, address, repositoryId, digest } = pull
  const day = context.clock.now().toISOString().slice(0, 10)
  const who = caller.credentials === 'none' || caller.subject === 'anonymous' ? `address ${address}` : caller.subject
  const isBot = BOTS.test(pull.userAgent ?? '')
  const subject = createHash('sha256')
    .update(`${await saltOf(context, day)} ${isBot ? 'bot ' : ''}${who}`)
    .digest()
  await context.database.transaction(async (trx) => {
    const { numInsertedOrUpdatedRows } = await trx
      .insertInto('pull_subjects')
      .values({ day, repository_id: repositoryId, subject })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirstOrThrow()
    if (!numInsertedOrUpdatedRows) return
    const part = await trx
      .selectFrom('version_parts')
      .innerJoin('versions', 'versions.id', 'version_parts.version_id')
      .select('versions.version')
      .where('version_parts.repository_id', '=', repositoryId)
      .where((by) => by.or([by('manifest_digest', '=', digest), by('layer_digest', '=', digest)]))
      .orderBy('versions.id', 'desc')
      .executeTakeFirst()
    const version = part?.version ?? ''
    const column = isBot ? 'bots' : 'people'
    await trx
      .insertInto('daily_pulls')
      .values({ repository_id: repositoryId, version, day, [column]: 1 })
      .onConflict((conflict) =>
        conflict.columns(['repository_id', 'day', 'version']).doUpdateSet({
          [column]: sql`daily_pulls.${sql.ref(column)} + 1`,
        }),
      )
      .execute()
    if (isBot) return
    const { pulls } = await trx
      .updateTable('repositories')
      .set({ pulls: sql`pulls + 1` })
      .where('id', '=', repositoryId)
      .returning('pulls')
      .executeTakeFirstOrThrow()
    await raisePopularity(trx, { repositoryId, before: pulls - 1, pulls })
  })
}

/** The salts of this process's databases, of one day each. */
const SALTS = new WeakMap<RegistryContext['database'], { day: string; salt: string }>()

/** The salt of a day, which all processes share. A new day deletes the subjects and salts of earlier ones. */
async function saltOf({ database }: RegistryContext, day: string): Promise<string> {
  const known = SALTS.get(database)
  if (known?.day === day) return known.salt
  const { salt } = await database.transaction(async (trx) => {
    await trx
      .insertInto('pull_salts')
      .values({ day, salt: randomBytes(32).toString('base64') })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
    await trx.deleteFrom('pull_subjects').where('day', '<', day).execute()
    await trx.deleteFrom('pull_salts').where('day', '<', day).execute()
    return await trx.selectFrom('pull_salts').select('salt').where('day', '=', day).executeTakeFirstOrThrow()
  })
  SALTS.set(database, { day, salt })
  return salt
}
