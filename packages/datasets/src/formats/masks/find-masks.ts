import { IMAGE_NAME } from '../../files/list-files.ts'
import { splitExtension } from '../../files/split-extension.ts'

/** Folders in which tools put masks. */
const FOLDER =
  /^(?:masks?|masks?_?png|mask_?labels?|gt|gtfine|ground_?truths?|seg(?:mentation)?s?|seg_?maps?|semantic|annotations?|ann_?dir|annfiles?|labels?|label_?img|targets?|(?:train|val|valid|test)_?(?:annot|masks?|labels?|gt)|.*annot)$/i
/** What tools add to the name of the image. */
const SUFFIX = /[_-](?:masks?|seg(?:mentation)?|labels?|gt|gtfine_labelids|labelids|l|annotation|target)$/i

/** A mask and its image by name. */
export interface MaskPath {
  mask: string
  /** The path of the image without its suffix, as far as the path of the mask tells. */
  image: string
}

/** Images in folders of masks, or with the suffix of a mask, that have the name of another image. */
export function findSemanticMasks(files: readonly string[]): MaskPath[] {
  const images = files.filter((path) => IMAGE_NAME.test(path))
  const plain = new Set<string>()
  for (const path of images) if (!isInMaskFolder(path)) plain.add(stemOf(path))
  const found: MaskPath[] = []
  for (const mask of images) {
    const own = stemOf(mask)
    const short = own.replace(SUFFIX, '')
    if (isInMaskFolder(mask)) {
      const stem = plain.has(own) ? own : plain.has(short) ? short : undefined
      if (stem !== undefined) found.push({ mask, image: [...foldersOf(mask), stem].join('/') })
    } else if (short !== own && plain.has(short) && /\.png$/i.test(mask)) {
      const folder = mask.includes('/') ? mask.slice(0, mask.lastIndexOf('/') + 1) : ''
      found.push({ mask, image: folder + short })
    }
  }
  return found
}

function stemOf(path: string): string {
  return splitExtension(path.slice(path.lastIndexOf('/') + 1)).stem
}

function isInMaskFolder(path: string): boolean {
  return path
    .split('/')
    .slice(0, -1)
    .some((part) => FOLDER.test(part))
}

/** The folders of a mask without those that hold masks: `masks/train` is `train`, and so is `trainannot`. */
function foldersOf(path: string): string[] {
  return path
    .split('/')
    .slice(0, -1)
    .flatMap((part) => {
      const [, split] = /^(train|val|valid|test)_?(?:annot|masks?|labels?|gt)$/i.exec(part) ?? []
      return split === undefined ? (FOLDER.test(part) ? [] : [part]) : [split]
    })
}
