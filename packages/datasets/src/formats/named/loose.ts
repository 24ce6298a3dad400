/** A number, also one that a tool wrote as text. NaN for anything else: the object that has it is counted as invalid. */
export function toNumber(value: unknown): number {
  if (typeof value === 'number') return value
  return typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN
}

/** A side of an image in pixels, or 0 for one that is not known. */
export function toSide(value: unknown): number {
  const side = Math.round(toNumber(value))
  return side > 0 && side <= 1_000_000 ? side : 0
}

/** The member of an unknown value; undefined where there is none. */
export function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined
}

export function asArray(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

/** Text, or a number or boolean as text. */
export function asText(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
}
