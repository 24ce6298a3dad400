/** A generator of the same numbers for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** Picks a name, each with a probability that is proportional to its share. */
export function pick<Name extends string>(choices: readonly [name: Name, share: number][], random: () => number): Name {
  let at = random() * choices.reduce((sum, [, share]) => sum + share, 0)
  for (const [name, share] of choices) {
    at -= share
    if (at < 0) return name
  }
  throw new Error('expected at least one choice')
}
