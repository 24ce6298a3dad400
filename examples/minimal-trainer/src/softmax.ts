/** Softmax regression: a row of weights per class, with the bias at its end. Plain data, so it can be saved as JSON. */
export interface Model {
  names: string[]
  side: number
  weights: number[][]
}

export function createModel(names: string[], side: number): Model {
  return { names, side, weights: names.map(() => Array<number>(side * side + 1).fill(0)) }
}

/** The probability of each class. */
export function predict({ weights }: Model, pixels: readonly number[]): number[] {
  const logits = weights.map((row) => pixels.reduce((sum, pixel, i) => sum + pixel * (row[i] ?? 0), row.at(-1) ?? 0))
  const top = Math.max(...logits)
  const exps = logits.map((logit) => Math.exp(logit - top))
  const total = exps.reduce((sum, each) => sum + each, 0)
  return exps.map((each) => each / total)
}

/** One step of gradient descent. Returns the loss before the step. */
export function fitSample(model: Model, pixels: readonly number[], classId: number, learningRate: number): number {
  const scores = predict(model, pixels)
  model.weights = model.weights.map((row, k) => {
    const slope = learningRate * ((scores[k] ?? 0) - (k === classId ? 1 : 0))
    return row.map((weight, i) => weight - slope * (pixels[i] ?? 1))
  })
  return -Math.log(Math.max(scores[classId] ?? 0, 1e-12))
}

export function accuracyOf(model: Model, samples: readonly { pixels: number[]; classId: number }[]): number {
  const right = samples.filter(({ pixels, classId }) => {
    const scores = predict(model, pixels)
    return scores.indexOf(Math.max(...scores)) === classId
  })
  return right.length / Math.max(1, samples.length)
}
