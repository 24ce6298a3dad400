export interface App {
  fetch(request: Request): Response | Promise<Response>
}

/** Puts the app of a folder store under `/storage/` of another app. */
export function withStorage(app: App, store: App | undefined): App {
  if (store === undefined) return app
  return {
    fetch: (request) => (new URL(request.url).pathname.startsWith('/storage/') ? store : app).fetch(request),
  }
}
