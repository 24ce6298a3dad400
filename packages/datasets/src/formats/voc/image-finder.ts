import { posix } from 'node:path'
import { foldPath } from '../../files/fold-path.ts'
import { IMAGE_NAME } from '../../files/list-files.ts'
import { PathEnds } from '../../files/path-ends.ts'
import { toPortablePath } from '../../files/portable-path.ts'
import { splitExtension } from '../../files/split-extension.ts'

const IMAGE_FOLDERS = ['JPEGImages', 'Images', 'images']
/** The folder of the XML files in a devkit. */
export const XML_FOLDER = /^(?:annotations?|xmls?)$/i

/** Finds the image that an XML file describes. */
export class ImageFinder {
  readonly #paths: ReadonlySet<string>
  readonly #byStem = new Map<string, string>()
  readonly #byEnd: PathEnds

  constructor(paths: readonly string[]) {
    this.#paths = new Set(paths)
    this.#byEnd = new PathEnds(paths.filter((path) => IMAGE_NAME.test(path)))
    for (const path of paths) {
      const key = foldPath(splitExtension(path).stem)
      if (IMAGE_NAME.test(path) && !this.#byStem.has(key)) this.#byStem.set(key, path)
    }
  }

  /**
   * Looks for `name`, the `<filename>` of the XML file, and then for `stem`, the path of the XML file in its devkit: tools
   * rename one of the two and forget the other.
   */
  find(devkit: string | undefined, stem: string, name: string): { path: string; exists: boolean } {
    const folders = devkit === undefined ? ['.'] : IMAGE_FOLDERS.map((folder) => posix.join(devkit, folder))
    const names = [...namesOf(name, posix.dirname(stem)), stem]
    const candidates = folders.flatMap((folder) => names.map((path) => posix.join(folder, path)))
    for (const path of candidates) if (this.#paths.has(path) && IMAGE_NAME.test(path)) return { path, exists: true }
    for (const path of candidates) {
      // `clip.001` is a stem: only the suffix of an image is none.
      const stem = IMAGE_NAME.test(path) ? splitExtension(path).stem : path
      const found = this.#byStem.get(foldPath(path)) ?? this.#byStem.get(foldPath(stem))
      if (found !== undefined) return { path: found, exists: true }
    }
    // `images/a.jpg` for `labels_voc/a.xml`: the only image of the name.
    const byEnd = name === '' ? undefined : this.#byEnd.find(posix.join(devkit ?? '.', name))
    return byEnd === undefined ? { path: candidates[0] ?? stem, exists: false } : { path: byEnd, exists: true }
  }
}

/** A name can include its folder already, or be relative to the folder of the XML file. */
function namesOf(name: string, folder: string): string[] {
  const path = toPortablePath(name)
  if (path === undefined) return []
  const inFolder = posix.join(folder, path)
  return path.includes('/') ? [path, inFolder] : [inFolder, path]
}
