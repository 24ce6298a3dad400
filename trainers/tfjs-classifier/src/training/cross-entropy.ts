/** How well logits match labels. */
export interface CrossEntropy {
  /** Sum over the rows of -log(probability of the label), the label smoothed. */
  lossSum: number
  /** Rows whose largest logit is the label's. */
  correct: number
  /** Rows whose label is among the five largest. */
  correctTop5: number
  /** Probabilities by row. */
  probabilities: Float32Array
  /** Of the mean loss, by logit. */
  gradient: Float32Array
}

/**
 * Softmax cross-entropy with its gradient. Plain loops: logits are a few hundred numbers, and asking a dozen kernels for
 * them costs more than reading them once.
 */
export function crossEntropy(
  logits: Float32Array,
  labels: ArrayLike<number>,
  classCount: number,
  smoothing: number,
): CrossEntropy {
  const rows = labels.length
  const probabilities = new Float32Array(logits.length)
  const gradient = new Float32Array(logits.length)
  const off = smoothing / classCount
  const on = 1 - smoothing + off
  let lossSum = 0
  let correct = 0
  let correctTop5 = 0
  for (let row = 0; row < rows; row++) {
    const start = row * classCount
    const label = labels[row] ?? 0
    const own = logits[start + label] ?? 0
    let highest = Number.NEGATIVE_INFINITY
    let above = 0
    for (let c = 0; c < classCount; c++) {
      const logit = logits[start + c] ?? 0
      if (logit > highest) highest = logit
      // A tie goes to the lower index, as it does when the classes are ranked.
      if (logit > own || (logit === own && c < label)) above++
    }
    if (above === 0) correct++
    if (above < 5) correctTop5++
    let sum = 0
    for (let c = 0; c < classCount; c++) sum += Math.exp((logits[start + c] ?? 0) - highest)
    const logSum = Math.log(sum) + highest
    for (let c = 0; c < classCount; c++) {
      const logProbability = (logits[start + c] ?? 0) - logSum
      const probability = Math.exp(logProbability)
      const target = c === label ? on : off
      probabilities[start + c] = probability
      gradient[start + c] = (probability - target) / rows
      if (target !== 0) lossSum -= target * logProbability
    }
  }
  return { lossSum, correct, correctTop5, probabilities, gradient }
}
