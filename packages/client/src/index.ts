/**
 * Typed client of Trainyard's public APIs: jobs and datasets of a runner, trainers and checks of a registry.
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

export type { ChecksClient } from './checks.ts'
export { type CreateClientOptions, createClient, type TrainyardClient } from './create-client.ts'
export type { DatasetsClient } from './datasets.ts'
export {
  InvalidTrainerError,
  PushRefusedError,
  TrainyardApiError,
  TrainyardClientError,
  TrainyardUnreachableError,
  UnexpectedAnswerError,
  VersionExistsError,
} from './errors.ts'
export { listFolder, packFolder, tarOfFolder } from './folder-tar.ts'
export type { IdentityClient } from './identity.ts'
export type { JobsClient } from './jobs.ts'
export { type ManifestFile, readManifest } from './publish/read-manifest.ts'
export { type PublishOptions, type PublishProgress, type PublishResult, publishTrainer } from './publish-trainer.ts'
export type { TokensClient } from './tokens.ts'
export type { TrainersClient } from './trainers.ts'
