/** What one format says of an object beside its geometry, for another: one flat `attributes` member. */
export function nestAttributes(attributes: Record<string, unknown>): { attributes?: Record<string, unknown> } {
  const { attributes: inner, ...others } = attributes
  const merged = { ...others, ...(typeof inner === 'object' ? inner : {}) }
  return Object.keys(merged).length === 0 ? {} : { attributes: merged }
}

/** A copy without the members that a writer fills itself: an attribute must not stand in for an id or a box. */
export function withoutKeys(source: Record<string, unknown>, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(source).filter(([key]) => !keys.includes(key)))
}
