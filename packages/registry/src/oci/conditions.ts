/** Whether the client already has the bytes with this entity tag: its request has `If-None-Match`. Tags compare weakly. */
export function isKnownToClient(request: Request, etag: string): boolean {
  const header = request.headers.get('if-none-match')
  if (header === null) return false
  return header.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag)
}

/** 304 with the headers of the full answer that say which bytes they are. */
export function notModified(full: HeadersInit): Response {
  const headers = new Headers(full)
  for (const name of ['Content-Type', 'Content-Length']) headers.delete(name)
  return new Response(null, { status: 304, headers })
}
