/** Words are compared by their beginning: a mistake later in a long word is rare, and the full distance decides. */
const COMPARED_LENGTH = 8
const MIN_LENGTH = 4
const MAX_LENGTH = 40

/** How many letters may be wrong. */
export function toleranceOf(word: string): number {
  if (word.length < MIN_LENGTH || word.length > MAX_LENGTH || !/\p{L}/u.test(word)) return 0
  return word.length < COMPARED_LENGTH ? 1 : 2
}

/**
 * The beginning of a word with up to `depth` letters left out. Two words whose distance is at most `depth` share one of
 * these, so that an index on them finds candidates (the method of SymSpell).
 */
export function variantsOf(word: string, depth = toleranceOf(word)): string[] {
  const found = new Set([word.slice(0, COMPARED_LENGTH)])
  let last = [...found]
  for (let round = 0; round < depth; round++) {
    last = last.flatMap((text) => Array.from(text, (_, index) => text.slice(0, index) + text.slice(index + 1)))
    for (const text of last) found.add(text)
  }
  return [...found]
}

/** Damerau-Levenshtein distance: letters inserted, left out, replaced, or swapped with their neighbour. */
export function distanceOf(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1
      let best = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + cost)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, (beforeLast[j - 2] ?? 0) + 1)
      row.push(best)
    }
    beforeLast = last
    last = row
  }
  return last[b.length] ?? 0
}
