/** The page that a one-time code opens; `path` is where it leads. */
export function signInLink(url: string, code: string, path?: string): string {
  const to = path === undefined ? '' : `&to=${encodeURIComponent(path)}`
  return `${url.replace(/\/+$/, '')}/open?code=${code}${to}`
}
