import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createLogger } from '@trainyard/platform'
import { afterAll, describe, expect, it } from 'vitest'
import type { LaunchRequest } from '../launcher.ts'
import { launchRequest } from '../testing/launch-request.ts'
import { createBridgeVolume } from './bridge-volume.ts'
import { readDockerConfig } from './config.ts'
import { connectEngine } from './engine.ts'
import { createDockerLauncher } from './launcher.ts'

const docker = connectEngine()
const image = await docker
  .getImage('python:3.11-slim-bookworm')
  .inspect()
  .catch(() => undefined)
if (image === undefined)
  console.warn(
    'SKIPPED: the bridge in containers. It needs a Docker engine that has the image python:3.11-slim-bookworm',
  )

describe.skipIf(image === undefined)('the bridge in an image without Node', () => {
  const datasetCacheDir = mkdtempSync(join(tmpdir(), 'trainyard-datasets-'))
  afterAll(() => rmSync(datasetCacheDir, { recursive: true }))

  /** Runs a container to its end with a launcher of its own, as another runner would. */
  async function run(over: Partial<LaunchRequest>): Promise<{ code: number | undefined; lines: string[] }> {
    const launcher = await createDockerLauncher({
      config: readDockerConfig(process.env),
      instanceId: randomUUID(),
      datasetCacheDir,
      datasetCacheMaxGb: 1,
      logger: createLogger({ name: 'test', level: process.env.TEST_LOG_LEVEL ?? 'silent' }),
    })
    const ref = launchRequest({ trainer: { type: 'image', reference: image?.Id ?? '' }, argv: ['true'], ...over })
    try {
      await launcher.launch(ref)
      for (;;) {
        const seen = await launcher.observe(ref)
        if (seen.state !== 'exited') {
          await sleep(50)
          continue
        }
        const { lines } = await launcher.logs(ref, { stdout: 0, stderr: 0 }, { final: true })
        return { code: seen.exitCode, lines: [...lines.map(({ text }) => text), seen.detail ?? ''] }
      }
    } finally {
      await launcher.remove(ref)
    }
  }

  it('runs, for several runners at the same time', async () => {
    const bridge = ['exec', '--grace', 'soon', '--']
    const answers = await Promise.all([run({ bridge }), run({ bridge, jobId: 2 }), run({ bridge, jobId: 3 })])
    for (const { code, lines } of answers) {
      expect(lines.join('\n')).toContain('--grace is "soon"; expected a number of seconds')
      expect(code).toBe(2)
    }
  })

  it('cannot be changed by a trainer, and is absent from the jobs without one', async () => {
    const name = await createBridgeVolume(docker, 'x86_64')(image?.Id ?? '').then((volume) => volume.name)
    expect((await docker.getVolume(name).inspect()).Labels).toHaveProperty('dev.trainyard.bridge')
    const { lines } = await run({ argv: ['python3', '-c', 'import os; print(os.path.exists("/trainyard-bridge"))'] })
    expect(lines).toContain('False')
  })

  it('is refused with a reason on an engine with another processor', async () => {
    await expect(createBridgeVolume(docker, 'riscv64')(image?.Id ?? '')).rejects.toThrow(
      'the engine has riscv64, the runner',
    )
  })
})
