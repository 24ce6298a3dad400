import type { TrainyardClient } from '@trainyard/sdk/client'

/** The part of a pino-like logger that the pages use. */
export interface WebLogger {
  error(fields: object, message: string): void
}

/** What every page needs. */
export interface WebContext {
  registryUrl: string
  runnerUrl: string
  client: TrainyardClient
  logger: WebLogger
  now: () => Date
}

/** What a request carries besides: the address of each client file, by its plain name. */
export interface WebEnv {
  Variables: { assetUrl: (name: string) => string }
}
