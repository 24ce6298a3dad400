import { join } from 'node:path'
import { IMAGE_NAME } from '../files/list-files.ts'
import { isOtherImage } from '../images/other-images.ts'
import type { LossCounter } from '../report/loss-counter.ts'

/** Notes about a dataset, which are no part of its data. */
const NOTES = /(?:^|\/)(?:readme|licen[cs]e|copying|changelog|citation|authors)\b[^/]*$/i

/** What a reader passes over, and what it read. */
export interface PassedOver {
  dir: string
  /** Every file of the dataset. */
  files: readonly string[]
  /** Whether a file is a part of the annotations, also one that cannot be read. */
  isOwn: (path: string) => boolean
  /** Whether an image was read, or is counted already. */
  isRead: (path: string) => boolean
  /** Why an image was not read. Default: no annotation names it. */
  unread?: string | undefined
  losses: LossCounter
}

/** Counts images that no annotation names, images that no loader reads, and every other file. */
export function countOthers({
  dir,
  files,
  isOwn,
  isRead,
  losses,
  unread = 'no annotation names it',
}: PassedOver): void {
  for (const path of files) {
    if (isOwn(path) || isRead(path)) continue
    if (IMAGE_NAME.test(path)) losses.add('image-unlabelled', `${path}: ${unread}`)
    else if (isOtherImage(join(dir, path))) losses.add('image-not-loadable', `${path}: its suffix`)
    else if (!NOTES.test(path)) losses.add('file-ignored', path)
  }
}
