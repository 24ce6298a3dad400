import { lstat, readFile, realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { MAX_README_PICTURE_BYTES, MAX_README_PICTURES, readmePicturePath } from '@trainyard/contract'
import { type PictureContentType, pictureSignature } from '@trainyard/platform'

export interface ReadmePicture {
  /** Inside of the trainer's folder, or the web address that it was copied from. */
  path: string
  contentType: PictureContentType
  content: Buffer
}

/** Addresses in Markdown and HTML. Matching too many does no harm: only files that are pictures are taken. */
const ADDRESSES = /(?:\]\(|\]:\s|src=["']?)\s{0,9}<?([^\s)"'<>]{1,600})/gi

/** Bounds the files that one README makes us open. */
const MAX_ADDRESSES = 200

/** Reads the pictures of the trainer's folder that its README shows. What a picture is is decided by its bytes. */
export async function findReadmePictures(dir: string, readme: string | undefined): Promise<ReadmePicture[]> {
  const pictures: ReadmePicture[] = []
  const root = await realpath(dir)
  for (const path of addressesIn(readme ?? '', readmePicturePath)) {
    if (pictures.length >= MAX_README_PICTURES) break
    const file = join(root, path)
    const info = await lstat(file).catch(() => undefined)
    if (info?.isFile() !== true || info.size > MAX_README_PICTURE_BYTES) continue
    // A folder on the way could be a link that leads elsewhere.
    if (!(await realpath(file)).startsWith(root + sep)) continue
    const content = await readFile(file)
    const contentType = pictureSignature(content)
    if (contentType !== undefined) pictures.push({ path, contentType, content })
  }
  return pictures
}

/** What addresses of a README lead to, for those that `find` knows. */
export function addressesIn(readme: string, find: (address: string) => string | undefined): Set<string> {
  const found = new Set<string>()
  for (const [, address = ''] of readme.matchAll(ADDRESSES)) {
    if (found.size >= MAX_ADDRESSES) break
    const one = find(address)
    if (one !== undefined) found.add(one)
  }
  return found
}
