/** `; did you mean "jobs"?`, or nothing if no candidate is close to the word. `format` writes a candidate. */
export function suggest(
  word: string,
  candidates: readonly string[],
  format: (candidate: string) => string = (candidate) => candidate,
): string {
  const limit = Math.max(1, Math.floor(word.length / 2))
  const [closest] = candidates
    .map((candidate) => ({ candidate, distance: editDistance(word, candidate) }))
    .filter(({ distance }) => distance <= Math.min(limit, 3))
    .sort((a, b) => a.distance - b.distance)
  return closest === undefined ? '' : `; did you mean "${format(closest.candidate)}"?`
}

/** How many letters to insert, remove, replace or swap: the optimal string alignment distance. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const isEqual = a[row - 1] === b[column - 1]
      const isSwap = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      current[column] = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (isEqual ? 0 : 1),
        isSwap ? (beforeLast[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
      )
    }
    beforeLast = last
    last = current
  }
  return last[b.length] ?? 0
}
