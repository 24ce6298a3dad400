/** Namespaces that would pass for the registry itself. */
const NAMESPACES = new Set(
  'abuse admin administrator api auth billing help legal login logout moderator official operator owner registry root security settings signup staff status support system token trust validator verified'.split(
    ' ',
  ),
)
/** Names that would pass for a part of an address or for no name. */
const NAMES = new Set('all any latest me new next none null self stable undefined'.split(' '))

/** The reserved word in a `namespace/name`. Separators do not make another word. */
export function findReservedWord(name: string): string | undefined {
  const [namespace = '', short = ''] = name.split('/').map((part) => part.replace(/[._-]/g, ''))
  if (NAMESPACES.has(namespace)) return namespace
  return NAMES.has(short) ? short : undefined
}
