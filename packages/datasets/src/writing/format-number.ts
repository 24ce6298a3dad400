/** A number with at most `decimals` digits after the point, without exponent, `-0` and trailing zeros. */
export function formatNumber(value: number, decimals: number): string {
  const text = value.toFixed(decimals)
  const short = text.includes('.') ? text.replace(/\.?0+$/, '') : text
  return short === '-0' ? '0' : short
}

/** The number that {@link formatNumber} writes. */
export function roundTo(value: number, decimals: number): number {
  return Number(formatNumber(value, decimals))
}
