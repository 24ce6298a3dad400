import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasChromium, launchChromium } from '../../packages/web/src/testing/browser.ts'
import { ROOT, run } from '../../scripts/lib/run.ts'
import { buildTrainer } from '../../scripts/lib/trainers.ts'
import { jobWhen, prepareDataset } from './prepare-training.ts'
import { type RunningServer, startServer, stopServer } from './server.ts'

const TRAINER_DIR = join(ROOT, 'examples', 'minimal-trainer')
const RED = '\u001b[31m'

describe.skipIf(!hasChromium())('a platform that runs trainers without a sandbox', () => {
  let dir: string
  let server: RunningServer
  let browser: Browser
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'trainyard-unsandboxed-'))
    server = await startServer(join(dir, 'data'), 0, {
      SUBPROCESS_SANDBOX: 'none',
      REGISTRY_CHECK_SANDBOX: 'off',
    })
    browser = await launchChromium()
  }, 180_000)
  afterAll(async () => {
    await browser?.close()
    await stopServer(server)
    await rm(dir, { recursive: true, force: true })
  })

  test('warns on the terminal, and in red in publish and on the page of each job', async () => {
    expect(server.output()).toMatch(/^! Trainers run without a sandbox/m)

    await buildTrainer(TRAINER_DIR)
    const cli = ['--conditions=trainyard-source', join(ROOT, 'packages/cli/src/main.ts')]
    const published = await run(process.execPath, [...cli, 'publish', TRAINER_DIR, '--url', server.url], {
      cwd: ROOT,
      capture: true,
      env: { ...process.env, TRAINYARD_TOKEN: server.token, FORCE_COLOR: '1' },
    })
    expect(published).toMatchObject({ code: 0 })
    expect(published.output).toContain(`${RED}not sandboxed`)

    const dataset = await prepareDataset(server, dir)
    const trainer = 'examples/minimal-trainer@^1'
    const { id } = await server.client.jobs.create({ trainer, dataset, config: { epochs: 1 } })
    const page = await (await browser.newContext({ colorScheme: 'light' })).newPage()
    await page.goto(server.link)
    await page.goto(`${server.url}/jobs/${id}`)
    const line = page.getByRole('alert').filter({ hasText: 'Trainers run without a sandbox' })
    await line.waitFor()
    const [red = 0, green = 0, blue = 0] = await line.evaluate(
      (element) =>
        getComputedStyle(element)
          .color.match(/[\d.]+/g)
          ?.map(Number) ?? [],
    )
    expect(red).toBeGreaterThan(2 * Math.max(green, blue))
    await jobWhen(server.client, id, ({ state }) => state === 'succeeded', 'its end')
    await page.reload()
    await line.waitFor()
  }, 300_000)
})
