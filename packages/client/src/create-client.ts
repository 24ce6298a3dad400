import { type ChecksClient, createChecksClient } from './checks.ts'
import { createDatasetsClient, type DatasetsClient } from './datasets.ts'
import { createConnection } from './http.ts'
import { createIdentityClient, type IdentityClient } from './identity.ts'
import { createJobsClient, type JobsClient } from './jobs.ts'
import { createTokensClient, type TokensClient } from './tokens.ts'
import { createTrainersClient, type TrainersClient } from './trainers.ts'

/** Where the servers are, and with which token they are asked. */
export interface CreateClientOptions {
  /** Address of the registry: needed for `trainers` and `checks`; answers for `identity` and `tokens` too. */
  registryUrl?: string | undefined
  /** Address of the runner: needed for `jobs` and `datasets`; answers for `identity` and `tokens` where there is no registry. */
  runnerUrl?: string | undefined
  /** Sent as a bearer token with every request. */
  token?: string | undefined
  /** Default: the global one. */
  fetch?: typeof fetch | undefined
}

/** The public APIs by subject. */
export interface TrainyardClient {
  readonly jobs: JobsClient
  readonly datasets: DatasetsClient
  readonly trainers: TrainersClient
  readonly checks: ChecksClient
  readonly tokens: TokensClient
  readonly identity: IdentityClient
}

/**
 * A typed client of the runner's and the registry's public APIs. Every answer is parsed with the contract's schema.
 *
 * Throws {@link TrainyardApiError} when the server refuses, {@link TrainyardUnreachableError} when nothing answers, and
 * {@link UnexpectedAnswerError} when the answer is not the contract's.
 */
export function createClient(options: CreateClientOptions): TrainyardClient {
  // Wrapped, because browsers refuse a `fetch` that is called as a method of another object.
  const fetcher: typeof fetch = options.fetch ?? ((input, init) => fetch(input, init))
  const registry = createConnection('registry', options.registryUrl, options.token, fetcher)
  const runner = createConnection('runner', options.runnerUrl, options.token, fetcher)
  // Both servers know the people: whichever is there is asked.
  const people = options.registryUrl === undefined ? runner : registry
  return {
    jobs: createJobsClient(runner),
    datasets: createDatasetsClient(runner),
    trainers: createTrainersClient(registry),
    checks: createChecksClient(registry),
    tokens: createTokensClient(people),
    identity: createIdentityClient(people),
  }
}
