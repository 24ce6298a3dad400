import { UsageError } from './command.ts'

export function parseChoice<T extends string>(text: string, choices: readonly T[], option: string): T {
  const found = choices.find((choice) => choice === text)
  if (found === undefined) throw new UsageError(`${option} is "${text}": wanted is one of ${choices.join(', ')}`)
  return found
}

export function parseNumber(
  text: string | undefined,
  option: string,
  { min, max, isWhole }: { min: number; max: number; isWhole?: boolean },
): number | undefined {
  if (text === undefined) return undefined
  const value = text.trim() === '' ? Number.NaN : Number(text)
  if (value >= min && value <= max && (!isWhole || Number.isInteger(value))) return value
  throw new UsageError(
    `${option} is "${text}": wanted is a ${isWhole ? 'whole number' : 'number'} from ${min} to ${max}`,
  )
}

/** Without the fields that are undefined: `exactOptionalPropertyTypes` tells absent from undefined. */
export function defined<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}
