/** Whether a list names the mirror image of each keypoint: a permutation that is its own inverse. */
export function isFlipIndex(flipIndex: readonly number[], keypointCount: number): boolean {
  return flipIndex.length === keypointCount && flipIndex.every((to, from) => flipIndex[to] === from)
}

const SIDES: Readonly<Record<string, string>> = { left: 'right', right: 'left', l: 'r', r: 'l' }

/**
 * Finds the mirror image of each keypoint by name: `left_eye` and `right_eye`, `eye.L` and `eye.R`, `leftEye`.
 * Undefined when a side has no counterpart or no name has a side: with a wrong list a model learns to confuse left and
 * right; without a list it only misses an augmentation.
 */
export function inferFlipIndex(names: readonly string[]): number[] | undefined {
  const keys = names.map((name) => splitName(name).join(' '))
  if (new Set(keys).size !== keys.length) return undefined
  const flipIndex: number[] = []
  let hasSides = false
  for (const [index, name] of names.entries()) {
    const words = splitName(name)
    const sides = words.filter((word) => Object.hasOwn(SIDES, word))
    if (sides.length > 1) return undefined
    if (sides.length === 0) {
      flipIndex.push(index)
      continue
    }
    const partner = keys.indexOf(words.map((word) => SIDES[word] ?? word).join(' '))
    if (partner === -1) return undefined
    hasSides = true
    flipIndex.push(partner)
  }
  return hasSides && isFlipIndex(flipIndex, names.length) ? flipIndex : undefined
}

function splitName(name: string): string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '')
}
