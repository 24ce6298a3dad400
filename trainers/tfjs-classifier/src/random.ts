/** A source of random numbers that is the same on every machine. */
export interface Random {
  /** In [0, 1). */
  next(): number
  /** In [-1, 1). */
  symmetric(): number
  /** From the standard normal distribution. */
  normal(): number
}

/**
 * mulberry32. `stream` names what the numbers are for: drawing more of one kind then leaves the others as they were, so
 * that switching dropout off does not change the order of the images.
 */
export function createRandom(seed: number, stream: string): Random {
  let state = hash(`${seed}/${stream}`)
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let bits = Math.imul(state ^ (state >>> 15), 1 | state)
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits
    return ((bits ^ (bits >>> 14)) >>> 0) / 4_294_967_296
  }
  return {
    next,
    symmetric: () => next() * 2 - 1,
    // Box–Muller; 1 - next() keeps the logarithm finite.
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
  }
}

/** Fisher–Yates, in place. */
export function shuffle(items: Int32Array, random: Random): Int32Array {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(random.next() * (i + 1))
    const held = items[i] ?? 0
    items[i] = items[j] ?? 0
    items[j] = held
  }
  return items
}

/** FNV-1a over UTF-16 units. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  return value | 0
}
