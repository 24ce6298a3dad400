import { createHash } from 'node:crypto'
import { splitExtension } from '../files/split-extension.ts'
import type { WriteContext } from './dataset-writer.ts'

/**
 * The paths of images in formats that name them: those of the source. Where two are the same but for case or Unicode form,
 * which not every file system can hold, the second one gets another name, counted as `image-renamed`. Without pixels nothing
 * is written under these names, and they stay.
 */
export function createKeptNames({ options, report }: WriteContext): (path: string) => string {
  const taken = new Set<string>()
  const fold = (path: string) => path.normalize('NFC').toLowerCase()
  return (path) => {
    if (options.images === 'none') return path
    let name = path
    if (taken.has(fold(name))) {
      const { stem, extension } = splitExtension(path)
      const digest = createHash('sha256').update(path).digest('hex').slice(0, 8)
      // The same path may come again and again.
      for (let count = 1; taken.has(fold(name)); count++)
        name = `${stem}_${digest}${count > 1 ? `_${count}` : ''}${extension}`
      report.lose('image-renamed', `${path} became ${name}: another one differs in case alone, or not at all`)
    }
    taken.add(fold(name))
    return name
  }
}
