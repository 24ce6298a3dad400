import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { WriteContext } from './convert-options.ts'
import type { DatasetClassInfo } from './record.ts'

/** The lines of the first of these files that is there, without comments and empty lines. */
export async function findClassList(dir: string, names: readonly string[]): Promise<string[] | undefined> {
  for (const name of names) {
    const text = await readFile(join(dir, name), 'utf8').catch(() => undefined)
    if (text === undefined) continue
    const lines = text
      .replace(/^\ufeff/, '')
      .split(/\r?\n/)
      .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    // `label:color:parts:actions`, as CVAT and Datumaro write it.
    return [...new Set(lines.map((line) => (name === 'labelmap.txt' ? line.split(':', 1).join('') : line).trim()))]
  }
  return undefined
}

/** In the order of their code points, as Python sorts names of folders; JavaScript would put emoji before some letters. */
export function sortNames(names: Iterable<string>): string[] {
  return [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
}

/** Classes in the order of their names: a dataset without a list has no other order that stays. */
export function toClasses(names: Iterable<string>): DatasetClassInfo[] {
  return [...names].map((name, id) => ({ id, name }))
}

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
