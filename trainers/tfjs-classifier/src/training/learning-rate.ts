export interface LearningRateOptions {
  learningRate: number
  /** Half a cosine down to `finalFraction`; else constant. */
  cosine: boolean
  /** Of the learning rate, at the end. */
  finalFraction: number
  warmupSteps: number
  totalSteps: number
}

/** The learning rate of a step, from 0: a straight way up, then a cosine down or a level road. */
export function learningRateAt(step: number, options: LearningRateOptions): number {
  const { learningRate, warmupSteps, totalSteps, finalFraction } = options
  if (step < warmupSteps) return (learningRate * (step + 1)) / warmupSteps
  if (!options.cosine) return learningRate
  const done = Math.min(1, (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps))
  return learningRate * (finalFraction + (1 - finalFraction) * 0.5 * (1 + Math.cos(Math.PI * done)))
}
