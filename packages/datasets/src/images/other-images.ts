import { readImageSize } from './image-header.ts'

/** Suffixes of images that the readers of datasets pass over: too few loaders read them. */
const OTHER_IMAGE =
  /\.(jfif|jpe|jif|jp2|j2k|jxl|pp?m|pgm|pbm|pnm|pam|pfm|avif|heic|heif|mpo|dng|cr2|nef|arw|raw|ico|svg|psd|exr|hdr|tga|dcm)$/i

/** Whether a file is an image that no reader takes for one: by its suffix, or by its first bytes where the name has no suffix. */
export function isOtherImage(file: string): boolean {
  if (OTHER_IMAGE.test(file)) return true
  if (/\.[A-Za-z0-9]{1,8}$/.test(file)) return false
  try {
    return readImageSize(file, '').format !== 'unknown'
  } catch {
    return false
  }
}
