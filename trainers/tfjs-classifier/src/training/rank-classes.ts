export interface Ranked {
  index: number
  probability: number
}

/** The `count` likeliest classes of one row of logits, likeliest first. */
export function rankClasses(logits: Float32Array, count: number): Ranked[] {
  const highest = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
  const exponentials = Array.from(logits, (logit) => Math.exp(logit - highest))
  const sum = exponentials.reduce((a, b) => a + b, 0)
  return exponentials
    .map((value, index) => ({ index, probability: value / sum }))
    .sort((a, b) => b.probability - a.probability || a.index - b.index)
    .slice(0, count)
}
