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

/** `namespace/name` or `namespace/name@range` */
export const trainerReference: Parse<string> = (text, name) => {
  if (/^[^/@\s]+\/[^/@\s]+(@.+)?$/.test(text)) return text
  throw new UsageError(
    `${name} is "${text}": expected "namespace/name" or "namespace/name@range", such as acme/yolo@^1.2`,
  )
}

const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 }

/** `2026-11-20T09:30:00Z`, `2026-11-20`, or a duration before now: `90s`, `10m`, `2h`, `3d`. Times without an offset are local. */
export const instant: Parse<Date> = (text, name) => {
  const [, amount, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? []
  const isUnit = (value: string | undefined): value is keyof typeof SECONDS => value !== undefined && value in SECONDS
  if (isUnit(unit)) return new Date(Date.now() - Number(amount) * SECONDS[unit] * 1000)
  const date = /^\d{4}-\d{2}-\d{2}/.test(text) ? new Date(text) : undefined
  if (date !== undefined && !Number.isNaN(date.getTime())) return date
  throw new UsageError(`${name} is "${text}": expected a time such as 2026-11-20T09:30:00Z, or a duration such as 10m`)
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
