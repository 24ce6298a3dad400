/**
 * Typed client of Trainyard's public APIs: jobs and datasets of a runner, trainers and checks of a registry. Uses only
 * `fetch` and web streams. Calls that read folders are in `@trainyard/client/files`.
 *
 * ```ts
 * import { createClient } from '@trainyard/client'
 *
 * const trainyard = createClient({ registryUrl: 'http://127.0.0.1:7600', runnerUrl: 'http://127.0.0.1:7600' })
 * const job = await trainyard.jobs.create({ trainer: 'trainyard/tfjs-classifier@^1', dataset: 'ds_…' })
 * for await (const message of trainyard.jobs.live(job.id)) console.log(message.type)
 * ```
 *
 * @module
 */

export type { ChecksClient, ListPushesQuery } from './apis/checks.ts'
export type { ArchiveBody, DatasetsClient } from './apis/datasets.ts'
export type { IdentityClient } from './apis/identity.ts'
export type { JobsClient, LogsOptions } from './apis/jobs.ts'
export type { TokensClient } from './apis/tokens.ts'
export type { TrainersClient } from './apis/trainers.ts'
export type { UsageClient, UsageQuery } from './apis/usage.ts'
export type { WebhooksClient } from './apis/webhooks.ts'
export { type CreateClientOptions, createClient, type TrainyardClient } from './create-client.ts'
export {
  TrainyardApiError,
  TrainyardClientError,
  TrainyardUnreachableError,
  UnexpectedAnswerError,
} from './errors.ts'
