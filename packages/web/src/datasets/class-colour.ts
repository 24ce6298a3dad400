import type { DatasetClass } from '@trainyard/contract'

/** The class's own colour, otherwise one that differs from those of the neighbouring ids. */
export function classColour({ id, color }: Pick<DatasetClass, 'id' | 'color'>): string {
  if (color !== undefined && /^#[0-9a-f]{6}$/i.test(color)) return color
  // The golden angle: numbers that are close never get hues that are close.
  return `hsl(${Math.round((id * 137.508 + 8) % 360)} 78% 52%)`
}
