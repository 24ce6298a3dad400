import { parse } from 'yaml'
import { asArray, asText, member } from '../named/loose.ts'

const MAX_DEPTH = 16

/** The names of the first `class_label` in the head of a dataset card. */
export function findClassNames(card: string): string[] | undefined {
  const [, head] = /^---\r?\n([\s\S]*?)\r?\n---/.exec(card) ?? []
  if (head === undefined) return undefined
  try {
    return findNames(member(parse(head, { maxAliasCount: 10 }), 'dataset_info'), 0)
  } catch {
    // The card is a text for people; its head may be anything.
    return undefined
  }
}

function findNames(value: unknown, depth: number): string[] | undefined {
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return undefined
  const names = member(member(value, 'class_label'), 'names')
  if (Array.isArray(names)) return asArray(names).map((name) => asText(name) ?? '')
  if (typeof names === 'object' && names !== null) return toList(names)
  for (const item of Object.values(value)) {
    const found = findNames(item, depth + 1)
    if (found !== undefined) return found
  }
  return undefined
}

/** Names by number: `{ '0': cat }`. */
function toList(names: object): string[] {
  const list: string[] = []
  for (const [id, name] of Object.entries(names)) if (/^\d{1,5}$/.test(id)) list[Number(id)] = asText(name) ?? ''
  return Array.from(list, (name, id) => name ?? `class_${id}`)
}
