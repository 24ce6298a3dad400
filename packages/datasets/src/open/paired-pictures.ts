import { posix } from 'node:path'
import { IMAGE_NAME } from '../files/list-files.ts'
import type { OtherFormat } from './other-format.ts'

/** Folders of what a sensor or a task sees. None is the name of a class beside another one of these. */
const SENSORS =
  /^(?:rgbd?|colou?r|depth|disparity|thermal|infrared|ir|nir|lwir|visible|vis|(?:optical_?)?flow|normals?|lr|hr)(?:_?x?\d+)?$/i
/** Folders that can be classes, such as turns to the left and to the right, and are not beside one of the others. */
const BESIDE = /^(?:left|right|images?|input|target|gt|ground_?truth|labels?|confidence)(?:_?\d+)?$/i
/** Folders of pictures that belong together. Both are present, and no other one. */
const TOGETHER: readonly (readonly [one: string, other: string])[] = [
  ['before', 'after'],
  ['query', 'gallery'],
  ['source', 'target'],
  ['low', 'high'],
  ['clean', 'noisy'],
]
/** Two domains of pictures, as CycleGAN names them. */
const DOMAINS = /^(?:train|val|test)[AB]$/

/**
 * Recognises pictures that belong together in pairs, such as `rgb` and `depth`, or that are of two domains. Their folders look
 * like those of classes.
 */
export function findPairedPictures(files: readonly string[]): OtherFormat | undefined {
  const byFolder = new Map<string, Set<string>>()
  let seen: string | undefined
  for (const path of files) {
    if (!IMAGE_NAME.test(path)) continue
    const folder = posix.basename(posix.dirname(path)).toLowerCase()
    seen ??= path
    const stems = byFolder.get(folder)
    const stem = `${posix.dirname(posix.dirname(path))}/${posix.parse(path).name}`
    if (stems === undefined) byFolder.set(folder, new Set([stem]))
    else stems.add(stem)
  }
  const names = [...byFolder.keys()]
  if (seen === undefined || names.length < 2) return undefined
  if (names.every((name) => DOMAINS.test(name.replace(/.$/, (letter) => letter.toUpperCase()))))
    return { name: 'pictures of two domains (CycleGAN)', seen }
  const isTogether = TOGETHER.some((pair) => names.every((name) => pair.includes(name)))
  if (isTogether) return { name: `pairs of pictures (${names.join(', ')})`, seen }
  const sensors = names.filter((name) => SENSORS.test(name))
  if (sensors.length === 0 || !names.every((name) => SENSORS.test(name) || BESIDE.test(name))) return undefined
  // Times as names differ by the sensor: two sensors suffice.
  if (sensors.length < 2 && !havePairs([...byFolder.values()])) return undefined
  return { name: `pairs of pictures (${names.join(', ')})`, seen }
}

/** Whether at least half of the names of the smallest folder are in another one. */
function havePairs(folders: readonly ReadonlySet<string>[]): boolean {
  const [smallest, ...others] = folders.toSorted((a, b) => a.size - b.size)
  if (smallest === undefined) return false
  const paired = [...smallest].filter((stem) => others.some((other) => other.has(stem)))
  return paired.length * 2 >= smallest.size
}
