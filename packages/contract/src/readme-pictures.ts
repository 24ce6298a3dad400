/** Pictures of a README that are kept, each of at most {@link MAX_README_PICTURE_BYTES}. */
export const MAX_README_PICTURES = 20
export const MAX_README_PICTURE_BYTES = 1024 ** 2

/**
 * The path of a file of the trainer to which a README's relative address leads, without `.`, `..`, query or fragment. Undefined for
 * other addresses, and for those that leave the trainer's folder.
 */
export function readmePicturePath(address: string): string | undefined {
  const [text = ''] = address.trim().split(/[?#]/, 1)
  if (text.length === 0 || text.length > 500 || text.startsWith('//') || /^[a-z][a-z0-9+.-]*:/i.test(text))
    return undefined
  const decoded = decode(text)
  if (decoded === undefined || /[\\\p{Cc}]/u.test(decoded)) return undefined
  const parts: string[] = []
  for (const part of decoded.split('/')) {
    if (part === '..' && parts.pop() === undefined) return undefined
    if (part !== '' && part !== '.' && part !== '..') parts.push(part)
  }
  return parts.length === 0 ? undefined : parts.join('/')
}

/**
 * The web address of a README's picture that lies elsewhere, as `URL` writes it, without its fragment. Undefined for other
 * addresses, and for those with a user name, a password, or more than 500 characters.
 */
export function readmePictureUrl(address: string): string | undefined {
  const text = address.trim()
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return undefined
  const url = new URL(text)
  url.hash = ''
  return url.username === '' && url.password === '' && url.href.length <= 500 ? url.href : undefined
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
