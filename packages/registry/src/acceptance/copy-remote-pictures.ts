import { MAX_README_PICTURE_BYTES, MAX_README_PICTURES, readmePictureUrl } from '@trainyard/contract'
import { AddressList, pictureSignature, readOutside } from '@trainyard/platform'
import type { RegistryContext } from '../context.ts'
import { addressesIn, type ReadmePicture } from './readme-pictures.ts'

/** For all pictures of a README together: a slow server must not hold up a check. */
const TIMEOUT_MS = 10_000
/** Hosts of code send from one address to another. */
const MAX_REDIRECTS = 3

/**
 * Copies the pictures that a README shows from other servers, so that those do not learn who reads it. What a picture is is
 * decided by its bytes: SVG and HTML are left out, and so is what is too large, not at a public address, or not there. The page
 * then shows a link instead.
 */
export async function copyRemotePictures(
  { config, logger }: Pick<RegistryContext, 'config' | 'logger'>,
  readme: string | undefined,
  room = MAX_README_PICTURES,
): Promise<ReadmePicture[]> {
  const urls = [...addressesIn(readme ?? '', readmePictureUrl)].slice(0, Math.max(0, room))
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  const allowed = config.outboundAllow ?? new AddressList()
  const copies = urls.map((url) =>
    copyPicture(url, allowed, signal).catch((error: unknown) => {
      logger.info({ url, err: error }, 'a picture of a README was not copied')
      return undefined
    }),
  )
  return (await Promise.all(copies)).filter((picture) => picture !== undefined)
}

async function copyPicture(
  path: string,
  allowed: AddressList,
  signal: AbortSignal,
): Promise<ReadmePicture | undefined> {
  let url = path
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const answer = await readOutside({
      url,
      allowed,
      signal,
      headers: { accept: 'image/png, image/jpeg, image/gif, image/webp', 'user-agent': 'Trainyard' },
      // One more shows that the picture is too large.
      maxAnswerBytes: MAX_README_PICTURE_BYTES + 1,
    })
    if (answer.status >= 300 && answer.status < 400 && answer.location !== undefined) {
      url = new URL(answer.location, url).href
      continue
    }
    if (answer.status !== 200 || answer.bytes.byteLength > MAX_README_PICTURE_BYTES) return undefined
    const contentType = pictureSignature(answer.bytes)
    return contentType === undefined ? undefined : { path, contentType, content: answer.bytes }
  }
  return undefined
}
