import type { RegistryContext } from '../context.ts'
import type { IndexQuery, IndexResult, SearchIndex } from '../search-index/search-index.ts'
import { queryWords, waysOf } from '../search-index/words.ts'
import { findCorrections } from './find-corrections.ts'

export interface SearchOptions extends Omit<IndexQuery, 'text'> {
  q: string
}

export interface SearchResult extends IndexResult {
  /** The words that were understood in place of mistyped ones. */
  corrected: string | undefined
}

/** Finds published trainers. The order is total, so that pages neither repeat nor skip one. */
export async function searchTrainers(context: RegistryContext, options: SearchOptions): Promise<SearchResult> {
  const index = await context.search.read()
  const words = queryWords(options.q)
  const unknown = words.filter((word) => !index.hasBeginning(word))
  const first = searchOnce(index, options, words, await findCorrections(context, unknown))
  if (first.total > 0 || words.length === 0) return first
  // Each word begins some word, but not of one trainer.
  const corrections = await findCorrections(context, words)
  if (corrections.size === 0) return first
  const second = searchOnce(index, options, words, corrections)
  return second.total > 0 ? second : first
}

function searchOnce(
  index: SearchIndex,
  { q: _, ...options }: SearchOptions,
  words: readonly string[],
  corrections: ReadonlyMap<string, readonly string[]>,
): SearchResult {
  const understood = new Map(words.map((word) => [word, corrections.get(word)?.[0] ?? word]))
  const text =
    words.length === 0
      ? undefined
      : { ways: waysOf(words, corrections), understood, key: [...understood.values()].join('') }
  return {
    ...index.search({ ...options, text }),
    corrected: corrections.size === 0 ? undefined : [...understood.values()].join(' '),
  }
}
