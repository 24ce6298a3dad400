/** Deepest nesting of an event that is stored. Far below what PostgreSQL and the stack of this process can handle. */
export const MAX_EVENT_NESTING = 64

export const NESTED = `must not be nested more than ${MAX_EVENT_NESTING} deep`

/** Whether objects and arrays are nested more than `limit` deep. Without recursion, so that no value overflows the stack. */
export function isNestedDeeperThan(limit: number, value: unknown): boolean {
  let level = [value].filter(isNested)
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > limit) return true
    level = level.flatMap((item) => Object.values(item).filter(isNested))
  }
  return false
}

function isNested(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
