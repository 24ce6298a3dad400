import { sql } from 'kysely'
import type { RegistryContext } from '../context.ts'
import { distanceOf, toleranceOf, variantsOf } from './typos.ts'

const MAX_CORRECTIONS = 3
/** The end of every word that begins with a prefix, in byte order. */
const LAST_CHARACTER = '\u{10ffff}'

/**
 * Words that a mistyped word may mean, best first. A word that begins a word of some trainer is not mistyped, unless
 * `even` says that it may be.
 */
export async function findCorrections(
  context: RegistryContext,
  words: readonly string[],
  { even }: { even?: 'known' | undefined } = {},
): Promise<Map<string, string[]>> {
  const doubtful = words.filter((word) => toleranceOf(word) > 0)
  if (doubtful.length === 0) return new Map()
  const values = JSON.stringify(doubtful.map((word) => ({ word, variants: variantsOf(word) })))
  const { rows } = await sql<{ typed: string; meant: string }>`
    select given.word as typed, known.word as meant
    from json_to_recordset(${values}) as given (word text, variants text[])
    join search_words known on known.variants && given.variants
    where known.word <> given.word
      and ${
        even === 'known'
          ? sql`true`
          : sql`not exists (
              select from search_words beginning
              where beginning.word >= given.word and beginning.word < given.word || ${LAST_CHARACTER})`
      }
    limit 5000
  `.execute(context.database.db)
  const corrections = new Map<string, string[]>()
  for (const word of doubtful) {
    const near = rows
      .filter(({ typed }) => typed === word)
      .map(({ meant }) => ({ meant, distance: distanceOf(word, meant) }))
      .filter(({ distance }) => distance <= toleranceOf(word))
      .sort((a, b) => a.distance - b.distance || (a.meant < b.meant ? -1 : 1))
    const [best] = near
    const kept = near.filter(({ distance }) => distance === best?.distance).slice(0, MAX_CORRECTIONS)
    if (kept.length > 0)
      corrections.set(
        word,
        kept.map(({ meant }) => meant),
      )
  }
  return corrections
}
