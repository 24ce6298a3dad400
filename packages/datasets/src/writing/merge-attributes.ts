/** The attributes of one format for another one: a single flat `attributes` member. */
export function nestAttributes(attributes: Record<string, unknown>): {
  attributes: Record<string, unknown> | undefined
} {
  const { attributes: inner, ...others } = attributes
  const merged = typeof inner === 'object' ? { ...others, ...inner } : others
  return { attributes: Object.keys(merged).length === 0 ? undefined : merged }
}

/** A copy without the members that a writer fills: an attribute must not replace an id or a box. */
export function withoutKeys(source: Record<string, unknown>, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(source).filter(([key]) => !keys.includes(key)))
}
