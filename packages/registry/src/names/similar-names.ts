import { distanceOf } from '../search-index/typos.ts'

/** Letters that look like others in many fonts: `1` and `i` like `l`, `0` like `o`, `rn` like `m`. */
const LOOKS: readonly [RegExp, string][] = [
  [/[._/-]/g, ''],
  [/[1i]/g, 'l'],
  [/0/g, 'o'],
  [/5/g, 's'],
  [/rn/g, 'm'],
  [/vv/g, 'w'],
]
/** In a shorter name one other letter makes another name. */
const MIN_LENGTH = 5

/** What a name looks like at a glance. Two names with the same look can be taken for each other. */
function lookOf(name: string): string {
  return LOOKS.reduce((text, [letters, other]) => text.replaceAll(letters, other), name)
}

/**
 * Whether a person may take one `namespace/name` for the other: they look the same, wherever the slash is, or the namespaces
 * are alike and so are the names. The same name in a namespace of another kind is no imitation.
 */
export function areConfusable(name: string, other: string): boolean {
  const [namespace = '', short = ''] = name.split('/')
  const [otherNamespace = '', otherShort = ''] = other.split('/')
  if (namespace === otherNamespace) return false
  if (lookOf(name) === lookOf(other)) return true
  return areAlike(namespace, otherNamespace) && areAlike(short, otherShort)
}

/** The same look, or one letter more, less, replaced or swapped. Numbers tell series apart: `team1` is not `team2`. */
function areAlike(a: string, b: string): boolean {
  const [look, otherLook] = [lookOf(a), lookOf(b)]
  if (look === otherLook) return true
  const digits = (text: string) => text.replace(/\D/g, '')
  if (digits(a) !== digits(b) || Math.min(look.length, otherLook.length) < MIN_LENGTH) return false
  return Math.abs(look.length - otherLook.length) <= 1 && distanceOf(look, otherLook) <= 1
}
