import { IMAGE_NAME } from '@trainyard/datasets'

/** Whether the name of a file is that of an image. Its bytes are checked when the dataset is registered. */
export function isImagePath(path: string): boolean {
  return IMAGE_NAME.test(path)
}

/** Files that operating systems add to folders and archives. */
export function isJunk(path: string): boolean {
  return /(^|\/)(\._[^/]*|\.DS_Store|Thumbs\.db|__MACOSX\/.*)$/.test(path)
}

/** Masks of Pascal VOC: images that describe other images. */
export function isMask(path: string): boolean {
  return /(^|\/)Segmentation(Class|Object)\//.test(path)
}
