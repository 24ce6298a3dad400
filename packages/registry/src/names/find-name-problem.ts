import { sql } from 'kysely'
import type { RegistryContext } from '../context.ts'
import { findReservedWord } from './reserved-names.ts'
import { areConfusable } from './similar-names.ts'

/** A trainer with as many pulls is worth an imitation. */
const POPULAR_PULLS = 1000
/** Separators and letters that look like two others change the length of a name. */
const MAX_LENGTH_DIFFERENCE = 6

/** Why a new trainer cannot have a name: it is reserved, or too like that of a popular trainer. Undefined if it can. */
export async function findNameProblem(context: RegistryContext, name: string): Promise<string | undefined> {
  const reserved = findReservedWord(name)
  if (reserved !== undefined) return `"${reserved}" is reserved`
  const namespace = name.slice(0, name.indexOf('/'))
  const popular = await context.database.db
    .selectFrom('repositories')
    .select(['name', 'pulls'])
    .where('pulls', '>=', POPULAR_PULLS)
    .where('latest_version', 'is not', null)
    .where('namespace', '<>', namespace)
    .where(sql<boolean>`abs(length(name) - ${name.length}) <= ${MAX_LENGTH_DIFFERENCE}`)
    .orderBy('pulls', 'desc')
    .execute()
  const similar = popular.find((other) => areConfusable(name, other.name))
  return similar && `it is too like "${similar.name}", which has ${similar.pulls.toLocaleString('en')} pulls`
}
