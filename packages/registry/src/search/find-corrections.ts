import { sql } from 'kysely'
import type { RegistryContext } from '../context.ts'
import { distanceOf, toleranceOf, variantsOf } from '../search-index/typos.ts'

const MAX_CORRECTIONS = 3
/** Words that a mistyped word may mean, best first. */
export async function findCorrections(
  context: RegistryContext,
  words: readonly string[],
): Promise<Map<string, string[]>> {
  const doubtful = words.filter((word) => toleranceOf(word) > 0)
  if (doubtful.length === 0) return new Map()
  const values = JSON.stringify(doubtful.map((word) => ({ word, variants: variantsOf(word) })))
  const { rows } = await sql<{ typed: string; meant: string }>`
    select given.word as typed, known.word as meant
    from json_to_recordset(${values}) as given (word text, variants text[])
    join search_words known on known.variants && given.variants
    where known.word <> given.word
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
