/**
 * The path of an image in its `coco_url`, for files without `file_name` such as those of LVIS 1.0: the last two parts,
 * `val2017/000000000139.jpg`. Undefined for anything else than text.
 */
export function fileNameOfUrl(url: unknown): string | undefined {
  if (typeof url !== 'string') return undefined
  const path = url.replace(/[?#].*$/s, '').replace(/^[a-z]+:\/\/[^/]*/i, '')
  const parts = path.split('/').filter((part) => part !== '')
  return parts.length === 0 ? undefined : parts.slice(-2).join('/')
}
