import { join } from 'node:path'
import type { TrainyardClient } from '@trainyard/client'
import { publishTrainer } from '@trainyard/client/files'
import type { Job } from '@trainyard/contract'
import { ROOT } from '../../scripts/lib/run.ts'
import { buildTrainer } from '../../scripts/lib/trainers.ts'
import { buildSampleDataset, packSampleDataset } from '../../scripts/sample-dataset/index.ts'
import type { RunningServer } from './server.ts'

export const TRAINER_DIR = join(ROOT, 'trainers', 'tfjs-classifier')

/** Registers the sample dataset; returns its id. */
export async function prepareDataset(server: RunningServer, dir: string): Promise<string> {
  const sample = await buildSampleDataset({ dir: join(dir, 'digits') })
  return (await server.client.datasets.upload(packSampleDataset(sample.dir), { name: 'digits' })).id
}

/** Publishes the sample trainer and registers the sample dataset; returns the dataset's id. */
export async function prepareTraining(server: RunningServer, dir: string): Promise<string> {
  await buildTrainer(TRAINER_DIR)
  const datasetId = await prepareDataset(server, dir)
  const { checkId } = await publishTrainer({ dir: TRAINER_DIR, registryUrl: server.url, token: server.token })
  if (checkId === undefined) throw new Error('the registry named no check')
  let last = ''
  for await (const check of server.client.checks.live(checkId)) last = JSON.stringify(check, null, 1)
  if (!last.includes('"state": "published"')) throw new Error(`the trainer was not published: ${last}`)
  return datasetId
}

/** The job as soon as it fulfils a condition; `what` names it when it never does. */
export async function jobWhen(
  client: TrainyardClient,
  id: number,
  condition: (job: Job) => boolean,
  what: string,
): Promise<Job> {
  for (let tries = 0; tries < 2000; tries++) {
    const job = await client.jobs.get(id)
    if (condition(job)) return job
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`job ${id} never came to: ${what}`)
}
