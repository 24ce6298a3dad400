import type { TrainyardClient } from '@trainyard/client'
import type { Viewer } from './session/find-viewer.ts'

/** The methods of a pino logger that the pages use. */
export interface WebLogger {
  error(fields: object, message: string): void
}

/** What every page needs. */
export interface WebContext {
  registryUrl: string
  runnerUrl: string
  /** Acts for the sender of the current request. */
  readonly client: TrainyardClient
  /** Requests to the servers, with a timeout. For addresses that they signed. */
  fetch: typeof fetch
  logger: WebLogger
  now: () => Date
}

/** Variables of a request. */
export interface WebEnv {
  Variables: {
    /** The address of a client file, by its plain name. */
    assetUrl: (name: string) => string
    client: TrainyardClient
    /** Who views the page, where it was asked at once. */
    viewer?: Promise<Viewer>
  }
}
