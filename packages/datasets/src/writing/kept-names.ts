import { createHash } from 'node:crypto'
import { foldPath } from '../files/fold-path.ts'
import { splitExtension } from '../files/split-extension.ts'
import type { WriteContext } from './dataset-writer.ts'

/** `a: b/1.png` cannot be told from a path on drive A. */
function withoutDrive(path: string): string {
  return /^[A-Za-z]:/.test(path) ? `${path[0]}_${path.slice(2)}` : path
}

/**
 * Names images in formats whose annotations hold the path: the path of the source. When two paths differ only in case or
 * Unicode form, which not every file system can hold, the second image is renamed and counted as `image-renamed`. When
 * images are not copied, all paths are kept.
 */
export function createKeptNames({ options, report }: WriteContext): (path: string) => string {
  const taken = new Set<string>()
  return (path) => {
    if (options.images === 'none' && !/^[A-Za-z]:/.test(path)) return path
    let name = withoutDrive(path)
    if (name !== path) report.lose('image-renamed', `${path} became ${name}: it begins like a drive letter`)
    if (taken.has(foldPath(name))) {
      const { stem, extension } = splitExtension(name)
      const digest = createHash('sha256').update(path).digest('hex').slice(0, 8)
      // The same path can occur more than twice.
      for (let count = 1; taken.has(foldPath(name)); count++)
        name = `${stem}_${digest}${count > 1 ? `_${count}` : ''}${extension}`
      report.lose(
        'image-renamed',
        `${path} became ${name}: another image has the same path, or one that differs only in case`,
      )
    }
    taken.add(foldPath(name))
    return name
  }
}
