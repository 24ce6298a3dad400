import { join } from 'node:path'
import { createClient, type TrainyardClient } from '@trainyard/client'
import { ROOT } from '../../scripts/lib/run.ts'
import { buildTrainer } from '../../scripts/lib/trainers.ts'
import { buildSampleDataset, packSampleDataset } from '../../scripts/sample-dataset/index.ts'
import { pushTrainerImage } from '../../scripts/start/trainer-image.ts'
import { until } from './cluster.ts'

const TRAINER = 'trainyard/tfjs-classifier'
const VERSION = '1.0.0'

export interface Installation {
  registryUrl: string
  runnerUrl: string
  /** Where Docker pushes to: over plain HTTP only to some addresses. */
  pushUrl: string
  setupSecret: string
  /** An empty folder. */
  dir: string
}

export interface Ready {
  client: TrainyardClient
  token: string
  dataset: string
}

/** What the first user of an installation does before the first job: signs up, registers data, and pushes a trainer's image. */
export async function prepareTraining(installation: Installation): Promise<Ready> {
  const { registryUrl, runnerUrl, pushUrl, setupSecret, dir } = installation
  const account = { email: 'operator@example.test', password: 'a long enough passphrase 7' }
  const anonymous = createClient({ registryUrl, runnerUrl })
  await anonymous.identity.signUp({ ...account, setupSecret })
  const { secret: token } = await anonymous.identity.createSession(account)
  const client = createClient({ registryUrl, runnerUrl, token })
  await client.identity.createOrganisation({ slug: 'trainyard' })
  await buildSampleDataset({ dir: join(dir, 'digits') })
  const { id } = await client.datasets.upload(packSampleDataset(join(dir, 'digits')), { name: 'digits' })
  const trainer = join(ROOT, 'trainers/tfjs-classifier')
  await buildTrainer(trainer)
  const image = { client, registryUrl: pushUrl, token, dir: trainer, name: TRAINER, version: VERSION }
  await pushTrainerImage({ ...image, note: () => {} })
  return { client, token, dataset: id }
}

export const pushedVersion = ({ client }: Ready) => client.trainers.version(TRAINER, VERSION)

export async function createJob({ client, dataset }: Ready): Promise<number> {
  return (await client.jobs.create({ trainer: `${TRAINER}@^1`, dataset, config: { epochs: 1 } })).id
}

/** Waits for the end of a job. */
export async function endOf({ client }: Ready, id: number) {
  return await until(`job ${id} has ended`, 300, async () => {
    const job = await client.jobs.get(id)
    return ['succeeded', 'failed', 'cancelled'].includes(job.state) ? job : undefined
  })
}
