import { posix } from 'node:path'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { readText } from '../../files/read-text.ts'
import { inventName } from '../../record/classes.ts'
import type { LossCounter } from '../../report/loss-counter.ts'
import type { FileFinder } from './layout.ts'

/** labelImg writes `classes.txt` beside the labels, Roboflow `_darknet.labels` into each split, darknet `*.names`. */
const CLASS_LIST = /^(classes\.txt|predefined_classes\.txt|_darknet\.labels|.+\.names)$/i

/** Whether a file lists classes, by its name. */
export function isClassList(path: string): boolean {
  return CLASS_LIST.test(posix.basename(path))
}

/**
 * The class names in the lists of a dataset, wherever they are. A list that is the beginning of another one is older, and the
 * longer one counts. Throws `DatasetError` for lists that number the classes differently.
 */
export async function readClassList(
  dir: string,
  finder: FileFinder,
  losses: LossCounter,
): Promise<string[] | undefined> {
  let chosen: { path: string; names: (string | undefined)[] } | undefined
  for (const path of finder.files.filter(isClassList)) {
    const names = splitNames(await readText(dir, path))
    if (names.length === 0) continue
    if (chosen === undefined) chosen = { path, names }
    else {
      const at = Math.min(names.length, chosen.names.length)
      const differs = names.slice(0, at).findIndex((name, id) => name !== chosen?.names[id])
      if (differs >= 0) {
        const seen = (list: readonly (string | undefined)[]) => JSON.stringify(list[differs] ?? '')
        throw new DatasetError(
          `${chosen.path} and ${path} number the classes differently: class ${differs} is ${seen(chosen.names)} and ${seen(names)}; keep the list to use`,
          { reason: 'ambiguous-format' },
        )
      }
      if (names.length > chosen.names.length) chosen = { path, names }
    }
  }
  return chosen && fillNames(chosen.names, chosen.path, losses)
}

/** The names in one list: line n is class n-1, so an empty line keeps its number. */
export function toNames(text: string, path: string, losses: LossCounter): string[] {
  return fillNames(splitNames(text), path, losses)
}

/** Undefined for an empty line. Empty lines at the end are no classes. */
function splitNames(text: string): (string | undefined)[] {
  const lines = text.split(/\r?\n|\r/).map((line) => line.trim() || undefined)
  return lines.slice(0, lines.findLastIndex((line) => line !== undefined) + 1)
}

function fillNames(names: readonly (string | undefined)[], path: string, losses: LossCounter): string[] {
  return names.map((name, id) => {
    if (name !== undefined) return name
    losses.add('class-name-invented', `line ${id + 1} of ${path} is empty: class ${id} is ${inventName(id)}`)
    return inventName(id)
  })
}
