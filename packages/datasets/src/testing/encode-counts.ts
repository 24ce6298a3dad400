/** The inverse of `decodeCounts`, with the same characters as pycocotools. */
export function encodeCounts(counts: readonly number[]): string {
  let text = ''
  for (let index = 0; index < counts.length; index++) {
    let value = counts[index] as number
    if (index > 2) value -= counts[index - 2] as number
    for (;;) {
      const group = value & 31
      value >>= 5
      const isLast = (group & 16) !== 0 ? value === -1 : value === 0
      text += String.fromCharCode(48 + (isLast ? group : group | 32))
      if (isLast) break
    }
  }
  return text
}
