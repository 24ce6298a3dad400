import type { Parse } from '../command-line/values.ts'
import { UsageError } from '../errors.ts'

/** Shares of train, val and test that add up to 1. */
export interface Ratios {
  train: number
  val: number
  test: number
}

/** `42` or `#42` */
export const jobId: Parse<number> = (text, name) => {
  const id = /^#?\d{1,15}$/.test(text) ? Number(text.replace('#', '')) : 0
  if (id < 1) throw new UsageError(`${name} is "${text}": expected the number of a job, such as 42`)
  return id
}

/** `0.7,0.2,0.1` or `0.7/0.2/0.1`; without the last share, nothing is for testing. */
export const ratios: Parse<Ratios> = (text, name) => {
  const [train = Number.NaN, val = Number.NaN, test = 0, ...others] = text.split(/[,/]/).map(Number)
  const shares = [train, val, test]
  const sum = train + val + test
  if (others.length === 0 && shares.every((share) => share >= 0) && Math.abs(sum - 1) <= 1e-6)
    return { train, val, test }
  throw new UsageError(`${name} is "${text}": expected shares that add up to 1, such as 0.7,0.2,0.1`)
}

/** `roboflow`, `re:EXPRESSION` or `meta:FIELD` */
export const groupBy: Parse<'roboflow' | RegExp | { attribute: string }> = (text, name) => {
  if (text === 'roboflow') return text
  if (text.startsWith('meta:') && text.length > 5) return { attribute: text.slice(5) }
  if (!text.startsWith('re:') || text.length === 3)
    throw new UsageError(`${name} is "${text}": expected roboflow, re:EXPRESSION or meta:FIELD`)
  try {
    return new RegExp(text.slice(3), 'u')
  } catch (error) {
    throw new UsageError(`${name} is "${text}": ${error instanceof Error ? error.message : error}`)
  }
}
