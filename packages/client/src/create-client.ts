import { type ChecksClient, createChecksClient } from './apis/checks.ts'
import { createDatasetsClient, type DatasetsClient } from './apis/datasets.ts'
import { createIdentityClient, type IdentityClient } from './apis/identity.ts'
import { createJobsClient, type JobsClient } from './apis/jobs.ts'
import { createOwnershipClient, type OwnershipClient } from './apis/ownership.ts'
import { createPublishingClient, type PublishingClient } from './apis/publishing.ts'
import { createReviewsClient, type ReviewsClient } from './apis/reviews.ts'
import { createTokensClient, type TokensClient } from './apis/tokens.ts'
import { createTrainersClient, type TrainersClient } from './apis/trainers.ts'
import { createUsageClient, type UsageClient } from './apis/usage.ts'
import { createWebhooksClient, type WebhooksClient } from './apis/webhooks.ts'
import { createConnection } from './http/connection.ts'

/** The addresses of the servers, and the token for them. */
export interface CreateClientOptions {
  /** Address of the registry. Required for `trainers`, `reviews`, `checks`, `publishing`, `webhooks` and `ownership`. */
  registryUrl?: string | undefined
  /** Address of the runner. Required for `jobs`, `datasets` and `usage`. */
  runnerUrl?: string | undefined
  /** Sent as a bearer token with every request. */
  token?: string | undefined
  /** Default: the global `fetch`. */
  fetch?: typeof fetch | undefined
}

/** The public APIs by subject. */
export interface TrainyardClient {
  readonly jobs: JobsClient
  readonly datasets: DatasetsClient
  readonly usage: UsageClient
  readonly trainers: TrainersClient
  readonly checks: ChecksClient
  readonly publishing: PublishingClient
  readonly reviews: ReviewsClient
  readonly webhooks: WebhooksClient
  readonly ownership: OwnershipClient
  readonly tokens: TokensClient
  readonly identity: IdentityClient
}

/**
 * Creates a typed client of the public APIs of runner and registry. `tokens` and `identity` use the registry if
 * `registryUrl` is set, else the runner.
 *
 * Every answer is parsed with the contract's schema. Calls throw {@link TrainyardApiError} when the server refuses the
 * request, {@link TrainyardUnreachableError} when it does not answer, and {@link UnexpectedAnswerError} when the answer
 * does not match the contract.
 */
export function createClient({ registryUrl, runnerUrl, token, fetch }: CreateClientOptions): TrainyardClient {
  // Wrapped, because browsers refuse a `fetch` that is called as a method of another object.
  const fetcher: typeof globalThis.fetch = fetch ?? ((input, init) => globalThis.fetch(input, init))
  const registry = createConnection({ server: 'registry', url: registryUrl, token, fetch: fetcher })
  const runner = createConnection({ server: 'runner', url: runnerUrl, token, fetch: fetcher })
  const identity = registryUrl === undefined ? runner : registry
  return {
    jobs: createJobsClient(runner),
    datasets: createDatasetsClient(runner),
    usage: createUsageClient(runner),
    trainers: createTrainersClient(registry),
    checks: createChecksClient(registry),
    publishing: createPublishingClient(registry),
    reviews: createReviewsClient(registry),
    webhooks: createWebhooksClient(registry),
    ownership: createOwnershipClient(registry),
    tokens: createTokensClient(identity),
    identity: createIdentityClient(identity),
  }
}
