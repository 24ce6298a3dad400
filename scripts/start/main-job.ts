import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { createClient, type TrainyardClient } from '@trainyard/client'
import { publishTrainer, VersionExistsError } from '@trainyard/client/files'
import { type Check, type Dataset, decodeMetric, type Job, TrainerManifest } from '@trainyard/contract'
import { formatBytes, formatDuration, formatTrust } from '@trainyard/contract/format'
import { ROOT } from '../lib/run.ts'
import type { Terminal } from '../lib/terminal.ts'
import { buildTrainer } from '../lib/trainers.ts'
import { buildSampleDataset, packSampleDataset } from '../sample-dataset/index.ts'
import { followJob } from './follow-job.ts'
import type { Stages } from './stages.ts'
import { needsImage, pushTrainerImage } from './trainer-image.ts'
import type { Trainyard } from './trainyard.ts'

const TRAINER_DIR = join(ROOT, 'trainers', 'tfjs-classifier')
const TRAINER_RANGE = '^1'
const DATASET_NAME = 'handwritten-digits'

export interface MainJobResult {
  job: Job
  testAccuracy: number
  /** Path of the downloaded best checkpoint. */
  checkpoint: string
}

/** The main job: dataset, publication, acceptance, training. Throws when a step fails. */
export async function runMainJob(trainyard: Trainyard, stages: Stages, terminal: Terminal): Promise<MainJobResult> {
  const client = createClient({ registryUrl: trainyard.url, runnerUrl: trainyard.url, token: trainyard.ownerToken })
  const sampleDir = join(trainyard.dataDir, 'samples', 'digits')
  await stages.run('sample dataset', async (note) => {
    const { splits } = await buildSampleDataset({ dir: sampleDir })
    note(`${splits.train} training, ${splits.val} validation and ${splits.test} test images of handwritten digits`)
  })
  const dataset = await stages.run('dataset registered', async (note) => {
    const registered = await registerDataset(client, sampleDir)
    note(`${registered.name} (${registered.counts.images} images, ${formatBytes(registered.sizeBytes)})`)
    return registered
  })
  const name = await stages.run('trainer published and accepted', (note) => publish(client, trainyard, terminal, note))
  const job = await stages.run('training', async (note) => {
    const created = await client.jobs.create({
      trainer: `${name}@${TRAINER_RANGE}`,
      dataset: dataset.id,
      name: 'Handwritten digits',
    })
    terminal.line(
      `  job ${created.id} with ${created.trainer.name}@${created.trainer.version}: ${trainyard.url}/jobs/${created.id}`,
    )
    const finished = await followJob(client, created.id, terminal)
    if (finished.state !== 'succeeded') throw new Error(describeFailure(finished))
    note(`job ${finished.id} ${finished.state}`)
    return finished
  })
  return { job, testAccuracy: testAccuracyOf(job), checkpoint: await saveCheckpoint(client, trainyard, job) }
}

async function registerDataset(client: TrainyardClient, dir: string): Promise<Dataset> {
  return client.datasets.upload(packSampleDataset(dir), { name: DATASET_NAME })
}

/** Publishes the trainer's folder, follows its checks and returns its name. Uses a version that already exists. */
async function publish(
  client: TrainyardClient,
  trainyard: Trainyard,
  terminal: Terminal,
  note: (text: string) => void,
): Promise<string> {
  await buildTrainer(TRAINER_DIR)
  const manifest = TrainerManifest.parse(JSON.parse(await readFile(join(TRAINER_DIR, 'trainer.json'), 'utf8')))
  const { name, version } = manifest
  const title = `${name}@${version}`
  if (needsImage(process.env)) {
    const { url: registryUrl, ownerToken: token } = trainyard
    await pushTrainerImage({ client, registryUrl, token, dir: TRAINER_DIR, name, version, note })
  }
  try {
    let isNew = true
    const { checkId } = await publishTrainer({
      dir: TRAINER_DIR,
      registryUrl: trainyard.url,
      token: trainyard.ownerToken,
      onProgress(progress) {
        if (progress.type === 'exists' && progress.what === 'version') isNew = false
        if (progress.type === 'uploading') {
          note(`uploading ${formatBytes(progress.sentBytes)} of ${formatBytes(progress.totalBytes)}`)
        }
      },
    })
    if (checkId !== undefined) await followCheck(client, checkId, { terminal, note, quiet: !isNew })
  } catch (error) {
    if (!(error instanceof VersionExistsError)) throw error
    const published = await client.trainers.version(manifest.name, manifest.version).catch(() => undefined)
    if (published?.state !== 'published') throw error
    terminal.line(
      `  ${terminal.style('yellow', '!')} ${title} is already published, from other sources; using the published version.`,
    )
    terminal.line('    Increase "version" in trainers/tfjs-classifier/trainer.json to publish the local sources.')
  }
  const { trust } = await client.trainers.version(manifest.name, manifest.version)
  note(trust === undefined ? title : `${title}, ${formatTrust(trust)}`)
  return manifest.name
}

interface FollowCheckOptions {
  terminal: Terminal
  note(text: string): void
  /** Does not show checks that had already finished. */
  quiet: boolean
}

/** Prints each check as it finishes, with its findings. Throws when the version is rejected. */
async function followCheck(
  client: TrainyardClient,
  checkId: string,
  { terminal, note, quiet }: FollowCheckOptions,
): Promise<void> {
  const told = new Set<string>()
  let last: Check | undefined
  for await (const check of client.checks.live(checkId)) {
    last = check
    if (quiet && check.state === 'published') continue
    for (const one of check.checks) {
      if (one.status === 'running') note(`checking ${one.name}`)
      if (one.status === 'waiting' || one.status === 'running' || told.has(one.name)) continue
      told.add(one.name)
      const time =
        one.durationMs === undefined ? '' : ` ${terminal.style('dim', `(${formatDuration(one.durationMs)})`)}`
      terminal.line(`  check ${one.name}: ${one.status}${one.reason ? `, ${one.reason}` : ''}${time}`)
      for (const note of one.notes ?? [])
        if (note.startsWith('not sandboxed')) terminal.line(`    ${terminal.style('red', note)}`)
      if (one.retryAt !== undefined)
        throw new Error(`${check.trainer}@${check.version} cannot be checked on this machine: ${one.reason}`)
      for (const finding of one.findings) terminal.line(`    ${finding.code} ${finding.severity}: ${finding.message}`)
    }
  }
  if (last?.state === 'rejected') {
    throw new Error(`${last.trainer}@${last.version} was rejected: see the findings above and ${checkId}`)
  }
}

function describeFailure(job: Job): string {
  const reason = job.endReason ? ` (${job.endReason})` : ''
  return `job ${job.id} ended as ${job.state}${reason}${job.error ? `: ${job.error.message}` : ''}`
}

function testAccuracyOf(job: Job): number {
  const metrics = job.result?.operation === 'train' ? job.result.metrics : {}
  const value = metrics.test_accuracy
  if (value === undefined)
    throw new Error(`job ${job.id} reported no test_accuracy; it reported ${Object.keys(metrics).join(', ')}`)
  return decodeMetric(value)
}

/** Downloads the best checkpoint over its signed URL, and returns its path. */
async function saveCheckpoint(client: TrainyardClient, trainyard: Trainyard, job: Job): Promise<string> {
  const { artifacts } = await client.jobs.artifacts(job.id)
  const checkpoints = artifacts.filter((artifact) => artifact.kind === 'checkpoint')
  const best = checkpoints.find((artifact) => artifact.name.startsWith('best')) ?? checkpoints[0]
  if (best === undefined) throw new Error(`job ${job.id} saved no checkpoint`)
  const answer = await fetch(best.url)
  if (!answer.ok)
    throw new Error(`the checkpoint ${best.name} could not be downloaded: ${answer.status} ${answer.statusText}`)
  const file = join(trainyard.dataDir, 'models', `job-${job.id}`, basename(best.name))
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, Buffer.from(await answer.arrayBuffer()))
  return `${file} (${formatBytes(best.sizeBytes)})`
}
