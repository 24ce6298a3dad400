import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, BrowserContext } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasChromium, launchChromium } from '../../packages/web/src/testing/browser.ts'
import { ROOT } from '../../scripts/lib/run.ts'
import { packSampleDataset } from '../../scripts/sample-dataset/index.ts'
import { jobWhen, prepareTraining } from './prepare-training.ts'
import { type RunningServer, startServer, stopServer } from './server.ts'

/** Where pictures for the docs go; only when asked for, so that a test run changes no file. */
const picturesDir = process.env.DOCS_PICTURES === undefined ? undefined : join(ROOT, 'docs/images')

describe.skipIf(!hasChromium())('a training seen in a browser, through every room', () => {
  let dir: string
  let server: RunningServer
  let browser: Browser
  let context: BrowserContext
  let datasetId: string

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'trainyard-browser-'))
    server = await startServer(join(dir, 'data'))
    datasetId = await prepareTraining(server, dir)
    browser = await launchChromium()
    context = await browser.newContext({ viewport: { width: 1200, height: 1000 } })
    const page = await context.newPage()
    await page.goto(server.link)
    await page.close()
  }, 180_000)

  afterAll(async () => {
    await browser?.close()
    await stopServer(server)
    await rm(dir, { recursive: true, force: true })
  })

  const create = (epochs: number) =>
    server.client.jobs.create({
      trainer: 'trainyard/tfjs-classifier@^1',
      dataset: datasetId,
      name: 'Handwritten digits',
      config: { epochs },
    })

  test('the job page moves without a reload and ends as the job does', async () => {
    const { id } = await create(12)
    const page = await context.newPage()
    const problems: string[] = []
    page.on('pageerror', (error) => problems.push(String(error)))
    page.on('console', (message) => message.type() === 'error' && problems.push(message.text()))
    await page.goto(`${server.url}/jobs/${id}`)
    const bar = page.getByRole('progressbar')
    const seen = new Set<string>()
    const note = async () => seen.add((await bar.getAttribute('value')) ?? '')
    await jobWhen(server.client, id, ({ progress }) => (progress.epoch ?? 0) >= 3, 'the third epoch')
    await note()
    await jobWhen(server.client, id, ({ progress }) => (progress.epoch ?? 0) >= 7, 'the seventh epoch')
    await expect.poll(note, { timeout: 10_000 }).toSatisfy((values: Set<string>) => values.size >= 2)
    expect(await page.locator('.uplot canvas').count()).toBeGreaterThanOrEqual(2)
    if (picturesDir !== undefined) {
      await mkdir(picturesDir, { recursive: true })
      await page.screenshot({ path: join(picturesDir, 'job-page.png') })
    }
    await page.getByText('Succeeded').first().waitFor({ timeout: 60_000 })
    expect(await page.getByRole('link', { name: /best/ }).count()).toBeGreaterThan(0)
    expect(problems).toEqual([])
    await page.close()
  }, 120_000)

  test('from an upload to a prediction: upload, look, start, follow, download, predict, all in the browser', async () => {
    const archive = join(dir, 'digits.tar')
    const digits = join(dir, 'digits')
    await writeFile(archive, packSampleDataset(digits))
    const pictures = (await readdir(digits, { recursive: true })).filter((name) => name.endsWith('.png')).toSorted()
    const page = await context.newPage()
    const problems: string[] = []
    page.on('pageerror', (error) => problems.push(String(error)))

    await page.goto(`${server.url}/datasets`)
    await page.getByLabel('Name').fill('walked digits')
    await page.locator('#upload-archive').setInputFiles(archive)
    await page.getByRole('button', { name: 'Upload' }).click()
    await page.waitForURL(/\/datasets\/ds_/, { timeout: 60_000 })
    expect(await page.locator('.tile img').count()).toBeGreaterThan(0)

    await page.locator('a.button[href^="/jobs/new"]').first().click()
    await page
      .getByRole('link', { name: /classifier/i })
      .first()
      .click()
    await page.locator('[name="config.epochs"]').fill('3')
    await page.getByRole('button', { name: 'Start', exact: true }).last().click()
    await page.waitForURL(/\/jobs\/\d+$/)
    await page.getByText('Succeeded').first().waitFor({ timeout: 120_000 })
    const download = page.waitForEvent('download')
    await page.getByRole('link', { name: /^best/ }).first().click()
    expect((await (await download).createReadStream()).readable).toBe(true)

    await page.getByRole('link', { name: 'Try it' }).first().click()
    const jobs = new Set<string | null>()
    for (const picture of pictures.slice(0, 2)) {
      await page.locator('#picture').setInputFiles(join(digits, picture))
      await page
        .locator('#try[data-state="done"]', { hasText: picture.split('/').at(-1) ?? '' })
        .waitFor({ timeout: 60_000 })
      expect(await page.locator('.found-list li').count()).toBe(3)
      jobs.add(await page.locator('#try a[href^="/jobs/"]').getAttribute('href'))
    }
    // The second picture was predicted by the process that had the model loaded.
    expect(jobs.size).toBe(1)
    expect(problems).toEqual([])
    // Trainers outlive their server, but must not outlive the test.
    const predictor = Number([...jobs][0]?.split('/').at(-1))
    await server.client.jobs.cancel(predictor)
    await jobWhen(server.client, predictor, ({ state }) => state !== 'running', 'its end')
    await page.close()
  }, 300_000)

  test('a job is cancelled from its page', async () => {
    const { id } = await create(500)
    const page = await context.newPage()
    await page.goto(`${server.url}/jobs/${id}`)
    await jobWhen(server.client, id, ({ progress }) => (progress.epoch ?? 0) >= 1, 'the first epoch')
    await page.getByRole('button', { name: 'Cancel job' }).first().click()
    await page
      .getByRole('dialog')
      .getByRole('button', { name: /cancel/i })
      .last()
      .click()
    const job = await jobWhen(server.client, id, ({ state }) => state === 'cancelled', 'the state cancelled')
    expect(job.endReason).toBe('cancelled_by_user')
    await page.getByText('Cancelled').first().waitFor({ timeout: 20_000 })
    await page.close()
  }, 90_000)

  test('the trainer is found by searching and shows what was checked', async () => {
    const page = await context.newPage()
    await page.goto(server.url)
    await page.getByRole('searchbox').fill('classif')
    await page.keyboard.press('Enter')
    await page
      .getByRole('link', { name: /classifier/i })
      .first()
      .click()
    await page.getByRole('heading', { level: 1 }).waitFor()
    for (const check of ['manifest', 'secrets', 'compliance']) {
      expect(await page.getByText(check, { exact: true }).count(), check).toBeGreaterThan(0)
    }
    await page.close()
  }, 60_000)
})
