/** The secret of the invitation in the path of a page to join an organisation. Undefined for other paths. */
export function invitationIn(path: string): string | undefined {
  const [pathname = '', query] = path.split('?')
  if (!/^\/organisations\/[^/]+\/join$/.test(pathname)) return undefined
  return new URLSearchParams(query).get('code') || undefined
}
