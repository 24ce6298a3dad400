import type { TrainyardClient } from '@trainyard/client'

/** The part of a pino-like logger that the pages use. */
export interface WebLogger {
  error(fields: object, message: string): void
}

/** What every page needs. */
export interface WebContext {
  registryUrl: string
  runnerUrl: string
  /** Speaks for whoever sent the request that is being answered. */
  readonly client: TrainyardClient
  logger: WebLogger
  now: () => Date
}

/** What a request carries besides. */
export interface WebEnv {
  Variables: {
    /** The address of a client file, by its plain name. */
    assetUrl: (name: string) => string
    client: TrainyardClient
  }
}
