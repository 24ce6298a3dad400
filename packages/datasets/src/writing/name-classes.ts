import type { WriteContext } from './dataset-writer.ts'

/**
 * Names the classes in the result, by class id: `clean` makes each name valid, and a suffix makes names unique under
 * `fold`. Changed names are counted as `class-renamed`.
 */
export function nameClasses(
  { dataset, report }: WriteContext,
  clean: (name: string) => string,
  fold: (name: string) => string = (name) => name,
): string[] {
  const taken = new Set<string>()
  // Valid names come first, so that a changed name cannot take one of them.
  const ordered = [...dataset.classes].sort(
    (a, b) => Number(clean(a.name) !== a.name) - Number(clean(b.name) !== b.name),
  )
  const names: string[] = []
  for (const { id, name } of ordered) {
    const base = clean(name) || `class_${id}`
    let candidate = base
    for (let count = 2; taken.has(fold(candidate)); count++) candidate = `${base}_${count}`
    taken.add(fold(candidate))
    names[id] = candidate
    if (candidate !== name) report.lose('class-renamed', `${JSON.stringify(name)} became ${JSON.stringify(candidate)}`)
  }
  return names
}

/**
 * A class name on one line: control characters become `_`, surrounding spaces are removed, and a
 * `#` at its start, which readers take for a comment, becomes `_`.
 */
export function toSingleLine(name: string): string {
  return name
    .replace(/[\p{Cc}\u2028\u2029]/gu, '_')
    .trim()
    .replace(/^#/, '_')
}
