import type { WriteContext } from './dataset-writer.ts'

/**
 * Names for the result by class id: what `clean` makes of them, each one different from the others also in other case.
 * What changed is counted as `class-renamed`.
 */
export function nameClasses(
  { dataset, report }: WriteContext,
  clean: (name: string) => string,
  fold: (name: string) => string = (name) => name,
): string[] {
  const taken = new Set<string>()
  // Names that need no change come first, so that none of them is taken by one that does.
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

/** A class name on one line: control characters become `_`, outer blanks go. */
export function toSingleLine(name: string): string {
  return name
    .replace(/[\p{Cc}\u2028\u2029]/gu, '_')
    .replace(/^#/, '_')
    .trim()
}
