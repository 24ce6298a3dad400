import { sql } from 'kysely'
import type { RegistryContext } from '../context.ts'
import { findReservedWord } from './reserved-names.ts'
import { areConfusable } from './similar-names.ts'
import { isProofValid, verifiedAs } from './verified-namespaces.ts'

/** A trainer with as many pulls is worth an imitation. */
const POPULAR_PULLS = 1000
/** Separators and letters that look like two others change the length of a name. */
const MAX_LENGTH_DIFFERENCE = 6

/** Why a new trainer cannot have a name: it is reserved, or too like that of a trainer that is popular or whose owner is verified. Undefined if it can. */
export async function findNameProblem(context: RegistryContext, name: string): Promise<string | undefined> {
  const reserved = findReservedWord(name)
  if (reserved !== undefined) return `"${reserved}" is reserved`
  const namespace = name.slice(0, name.indexOf('/'))
  const popular = await context.database.db
    .selectFrom('repositories')
    .select(['name', 'pulls', 'namespace'])
    .where(
      sql<boolean>`(pulls >= ${POPULAR_PULLS} or exists (select 1 from namespace_proofs p
        where p.namespace = repositories.namespace and ${isProofValid()}))`,
    )
    .where('latest_version', 'is not', null)
    .where('namespace', '<>', namespace)
    .where(sql<boolean>`abs(length(name) - ${name.length}) <= ${MAX_LENGTH_DIFFERENCE}`)
    .orderBy('pulls', 'desc')
    .execute()
  const similar = popular.find((other) => areConfusable(name, other.name))
  if (similar === undefined) return undefined
  const [owner] = (await verifiedAs(context.database.db, [similar.namespace])).get(similar.namespace) ?? []
  const why =
    similar.pulls >= POPULAR_PULLS || owner === undefined
      ? `which has ${similar.pulls.toLocaleString('en')} pulls`
      : `whose owner is verified as ${owner}`
  return `it is too like "${similar.name}", ${why}`
}
