import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { decodeMetric, type Job } from '@trainyard/contract'
import { expect, vi } from 'vitest'
import { buildTrainer } from '../../scripts/lib/trainers.ts'
import { TRAINER_DIR } from './prepare-training.ts'
import type { RunningServer } from './server.ts'

const run = promisify(execFile)

export const TRAINER = 'trainyard/tfjs-classifier'

export const isOver = ({ state }: Job): boolean => !['pending', 'queued', 'running'].includes(state)
export const hasEpoch = (epoch: number) => (job: Job) => (job.progress.epoch ?? 0) >= epoch

/** Whether a Docker engine answers and holds the image that trainers are built on. */
export async function canBuildImages(): Promise<boolean> {
  return run('docker', ['image', 'inspect', 'node:24-bookworm-slim']).then(
    () => true,
    () => false,
  )
}

/** `docker` with logins of its own, kept in the folder `dir`. */
export function dockerIn(dir: string): (...args: string[]) => Promise<string> {
  return async (...args) =>
    (await run('docker', ['--config', join(dir, 'docker'), ...args], { maxBuffer: 16 * 1024 * 1024 })).stdout.trim()
}

/** Builds the trainer's image, pushes it to the server's registry and waits until it may be pulled. */
export async function publishImage(
  server: RunningServer,
  docker: (...args: string[]) => Promise<string>,
): Promise<{ image: string; digest: string }> {
  await buildTrainer(TRAINER_DIR)
  const { host } = new URL(server.url)
  const image = `${host}/${TRAINER}:1.0.0`
  await docker('build', '--quiet', '--tag', image, TRAINER_DIR)
  await docker('login', host, '--username', 'local', '--password', server.token)
  const pushed = await docker('push', image)
  await vi.waitFor(
    async () => expect((await server.client.trainers.version(TRAINER, '1.0.0')).state).toBe('published'),
    { timeout: 120_000, interval: 200 },
  )
  await docker('logout', host)
  return { image, digest: pushed.match(/digest: (sha256:[0-9a-f]{64})/)?.[1] ?? '' }
}

/** The job finished in one attempt, with the usual accuracy, and its checkpoints are kept. */
export async function expectTrained(server: RunningServer, job: Job): Promise<void> {
  expect(job).toMatchObject({ state: 'succeeded', endReason: 'completed', attempt: 1 })
  const metrics = job.result?.operation === 'train' ? job.result.metrics : {}
  expect(decodeMetric(metrics.test_accuracy ?? 0)).toBeGreaterThanOrEqual(0.93)
  const { artifacts } = await server.client.jobs.artifacts(job.id)
  expect(artifacts.map(({ kind }) => kind)).toContain('checkpoint')
}
