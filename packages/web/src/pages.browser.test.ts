import { JobValidation } from '@trainyard/contract'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasChromium, launchChromium } from './testing/browser.ts'
import {
  artifactFixture,
  exportJob,
  failedJob,
  jobFixture,
  logFixture,
  NOW,
  predictJob,
  resultArtifacts,
} from './testing/fixtures.ts'
import { focused, openIn, startSite, violations } from './testing/site.ts'

/** Charts are drawn while they are on the screen. */
async function seeFirstPlot(page: Page): Promise<void> {
  const plot = page.locator('.plot').first()
  await plot.scrollIntoViewIfNeeded()
  await plot.locator('canvas').waitFor()
}

describe.skipIf(!hasChromium())('in a browser', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchChromium()
  })
  afterAll(async () => {
    await browser.close()
  })

  const openPage = (options?: BrowserContextOptions) => openIn(browser, options)

  describe('signing in', () => {
    const people = { 'ada@red.test': { displayName: 'Ada', password: 'correct horse battery' } }
    test.each([true, false])('returns to the previous page, by keyboard, scripts: %s', async (javaScriptEnabled) => {
      await using site = await startSite({ people })
      await using opened = await openPage({ javaScriptEnabled })
      const { page } = opened
      await page.goto(`${site.url}/jobs/41?level=error`)
      expect(new URL(page.url()).pathname).toBe('/sign-in')
      await page.getByLabel('Email').focus()
      await page.keyboard.type('ada@red.test')
      await page.keyboard.press('Tab')
      await page.keyboard.type('wrong password')
      await page.keyboard.press('Enter')
      await page.getByRole('alert').waitFor()
      if (javaScriptEnabled) expect(await violations(page), 'the refusal').toEqual([])
      await page.getByLabel('Password').focus()
      await page.keyboard.type('correct horse battery')
      await page.keyboard.press('Enter')
      await page.waitForURL(`${site.url}/jobs/41?level=error`)
      await page.getByText('Ada', { exact: true }).waitFor()
      await page.getByRole('button', { name: 'Sign out' }).click()
      await page.getByRole('link', { name: 'Sign in' }).waitFor()
      // What stays says only that this browser is known: it lets the owner in while others try passwords.
      const left = await page.context().cookies()
      expect(left).toMatchObject([{ name: 'trainyard_device', httpOnly: true, sameSite: 'Lax' }])
    })
  })

  describe('accessibility', () => {
    const looks: [string, BrowserContextOptions][] = [
      ['light, desktop', { colorScheme: 'light' }],
      ['dark, desktop', { colorScheme: 'dark' }],
      ['light, phone', { colorScheme: 'light', viewport: { width: 390, height: 844 } }],
      ['dark, phone', { colorScheme: 'dark', viewport: { width: 390, height: 844 } }],
    ]
    const paths = [
      '/',
      '/?q=none',
      '/trainers/trainyard/tfjs-classifier',
      '/jobs',
      '/jobs/42',
      '/jobs/41',
      '/jobs/39',
      '/jobs/38',
      '/sign-in',
      '/sign-up',
      '/openapi?tag=Jobs',
      '/nowhere',
    ]

    /** Predictions and exports: they have no curves. */
    const isOfResult = new Set(['/jobs/39', '/jobs/38'])

    test.each(looks)('%s', async (_look, options) => {
      await using site = await startSite()
      await using results = await startSite({
        jobs: [predictJob(), exportJob()],
        series: [],
        artifacts: resultArtifacts(),
      })
      await using opened = await openPage(options)
      const { page, complaints } = opened
      for (const path of paths) {
        await page.goto((isOfResult.has(path) ? results : site).url + path)
        if (path.startsWith('/jobs/')) {
          if (!isOfResult.has(path)) await seeFirstPlot(page)
          for (const summary of await page.locator('summary:visible').all()) await summary.click()
        }
        expect(await violations(page), path).toEqual([])
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
        expect(overflow, `${path} is wider than the window`).toBeLessThanOrEqual(0)
      }
      await page.goto(`${site.url}/jobs/42`)
      await page.getByRole('button', { name: 'Cancel job' }).click()
      expect(await violations(page), 'the dialog').toEqual([])
      expect(complaints).toEqual([])
    })

    test('the narrowest phone needs no sideways scrolling', async () => {
      await using site = await startSite({ jobs: [jobFixture(), failedJob(), predictJob(), exportJob()] })
      await using opened = await openPage({ viewport: { width: 320, height: 740 } })
      for (const path of paths) {
        await opened.page.goto(site.url + path)
        const overflow = await opened.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
        expect(overflow, path).toBeLessThanOrEqual(0)
      }
    })
  })

  describe('by keyboard alone', () => {
    test('a trainer can be found and opened', async () => {
      await using site = await startSite()
      await using opened = await openPage()
      const { page } = opened
      await page.goto(site.url)
      await page.keyboard.press('Tab')
      expect(await focused(page)).toBe('Skip to content')
      await page.keyboard.press('Enter')
      await page.keyboard.press('Tab')
      expect(await page.evaluate(() => document.activeElement?.id)).toBe('q')
      await page.keyboard.type('classifier')
      await page.keyboard.press('Enter')
      await page.waitForURL('**/?q=classifier')
      expect(await page.inputValue('#q')).toBe('classifier')
      for (let presses = 0; presses < 40 && (await focused(page)) !== 'TensorFlow.js classifier'; presses += 1) {
        await page.keyboard.press('Tab')
      }
      await page.keyboard.press('Enter')
      await page.waitForURL('**/trainers/trainyard/tfjs-classifier')
      expect(await page.locator('h1').textContent()).toBe('TensorFlow.js classifier')
    })

    test('the cancel dialog can be left, then confirmed', async () => {
      await using site = await startSite()
      await using opened = await openPage()
      const { page } = opened
      await page.goto(`${site.url}/jobs/42`)
      const button = page.locator('#job-actions button')
      const dialog = page.locator('#cancel-dialog')
      await button.focus()
      await page.keyboard.press('Enter')
      await dialog.waitFor({ state: 'visible' })
      expect(await focused(page)).toBe('Keep it running')
      await page.keyboard.press('Escape')
      await dialog.waitFor({ state: 'hidden' })
      expect(await focused(page)).toBe('Cancel job')
      expect(site.api.jobs[0]?.cancelRequested).toBe(false)

      await page.keyboard.press('Enter')
      await dialog.waitFor({ state: 'visible' })
      await page.keyboard.press('Tab')
      expect(await focused(page)).toBe('Cancel job')
      await page.keyboard.press('Enter')
      await page.getByText('Cancelling').waitFor()
      expect(site.api.jobs[0]?.cancelRequested).toBe(true)
    })
  })

  describe('a running job', () => {
    test('updates progress, curves, files and log without a reload until it ends', async () => {
      await using site = await startSite()
      await using opened = await openPage()
      const { page, complaints } = opened
      await page.goto(`${site.url}/jobs/42`)
      const bar = page.locator('#job-progress').getByRole('progressbar')
      const losses = page.locator('[data-chart="epoch:train_loss"] .plot')
      expect(await bar.getAttribute('value')).toBe('0.4')
      await losses.scrollIntoViewIfNeeded()
      await losses.locator('canvas').waitFor()
      expect(await losses.getAttribute('data-points')).toBe('8')
      const before = await losses.locator('canvas').screenshot()
      await page.evaluate(() => {
        document.body.dataset.sameDocument = 'yes'
      })
      await expect.poll(() => site.api.followers()).toBe(1)

      const time = NOW.toISOString()
      site.api.push({
        type: 'job',
        job: jobFixture({ progress: { fraction: 0.45, epoch: 9, totalEpochs: 20, phase: 'train' } }),
      })
      site.api.push({
        type: 'metrics',
        points: [
          { name: 'train_loss', axis: 'epoch', step: 9, value: 0.02, time },
          { name: 'val_loss', axis: 'epoch', step: 9, value: 'Infinity', time },
          { name: 'new_score', axis: 'epoch', step: 9, value: 0.5, time },
        ],
      })
      site.api.push({ type: 'logs', lines: [logFixture(99, { level: 'warning', message: 'a line <b>from</b> now' })] })
      site.api.push({ type: 'artifact', artifact: artifactFixture({ id: 'art_9', name: 'epoch-9.safetensors' }) })

      await expect.poll(() => bar.getAttribute('value')).toBe('0.45')
      await page.getByText('epoch 9 of 20').waitFor()
      await expect.poll(() => losses.getAttribute('data-points')).toBe('9')
      await page.locator('[data-chart="epoch:new_score"]').waitFor()
      await page.getByText('a line <b>from</b> now').waitFor()
      await page.getByRole('link', { name: 'epoch-9.safetensors' }).waitFor()
      expect((await losses.locator('canvas').screenshot()).equals(before)).toBe(false)

      const finishedAt = time
      site.api.push({
        type: 'job',
        job: jobFixture({ state: 'succeeded', progress: { fraction: 1, epoch: 20, totalEpochs: 20 }, finishedAt }),
      })
      await page.getByRole('button', { name: 'Restart' }).waitFor()
      expect(await bar.getAttribute('value')).toBe('1')
      expect(await page.getByRole('status').textContent()).toBe('The job is now: succeeded.')
      expect(await page.evaluate(() => document.body.dataset.sameDocument)).toBe('yes')
      // An ended stream is not requested again.
      await expect.poll(() => site.api.followers()).toBe(0)
      expect(complaints).toEqual([])
    })

    test.each([
      ['predict', 'Predictions'],
      ['export', 'Exported model'],
    ] as const)(
      'shows the first metrics of one that does not train (%s) without a reload',
      async (operation, heading) => {
        const job = jobFixture({ operation, progress: { fraction: 0.2 }, latestMetrics: {} })
        await using site = await startSite({ jobs: [job], series: [], artifacts: [] })
        await using opened = await openPage()
        const { page, complaints } = opened
        await page.goto(`${site.url}/jobs/42`)
        await page.getByRole('heading', { name: heading }).waitFor()
        const metrics = page.getByRole('heading', { name: 'Metrics', exact: true })
        await expect.poll(() => site.api.followers()).toBe(1)
        expect(await metrics.isVisible()).toBe(false)

        const time = NOW.toISOString()
        const point = (step: number) => ({ axis: 'step' as const, step, time })
        const points = [10, 20, 30].flatMap((step) => [
          { ...point(step), name: 'mean_score', value: 0.9 - step / 100 },
          { ...point(step), name: 'images_per_second', value: 240 + step },
        ])
        site.api.push({ type: 'metrics', points })
        site.api.push({ type: 'job', job: { ...job, latestMetrics: { mean_score: 0.6, images_per_second: 270 } } })
        await metrics.waitFor()
        const curve = page.locator('[data-chart="step:mean_score"] .plot')
        await expect.poll(() => curve.getAttribute('data-points')).toBe('3')
        expect((await curve.locator('canvas').boundingBox())?.width).toBeGreaterThan(250)
        await page.locator('#job-metrics').getByText('270').waitFor()
        expect(await page.getByText('Curves appear here').count()).toBe(0)
        expect(await violations(page)).toEqual([])

        // What the live page shows is what a reload shows.
        site.api.series.push(
          ...['mean_score', 'images_per_second'].map((name) => ({
            name,
            axis: 'step' as const,
            count: 3,
            points: points.filter((one) => one.name === name).map(({ step, value }) => ({ step, value, time })),
          })),
        )
        await page.reload()
        await metrics.waitFor()
        await expect.poll(() => curve.getAttribute('data-points')).toBe('3')
        expect(complaints).toEqual([])
      },
    )

    test('is live in nine tabs at once over one connection, and other pages still load', async () => {
      await using site = await startSite()
      await using opened = await openPage()
      const pages = [opened.page]
      while (pages.length < 9) pages.push(await opened.page.context().newPage())
      for (const page of pages) await page.goto(`${site.url}/jobs/42`)
      await expect.poll(() => site.api.followers()).toBe(1)
      let line = 60
      const tabsThatHeard = async () => {
        site.api.push({ type: 'logs', lines: [logFixture(line++, { message: 'to every tab' })] })
        const shown = await Promise.all(pages.map((page) => page.getByText('to every tab').count()))
        return shown.filter((count) => count > 0).length
      }
      await expect.poll(tabsThatHeard, { timeout: 20_000 }).toBe(9)
      expect(site.api.followers()).toBe(1)
      await pages[0]?.goto(`${site.url}/jobs`)
      await pages[0]?.getByRole('heading', { name: 'Jobs' }).waitFor()
      // The connection ends with the last tab.
      for (const page of pages) await page.goto(`${site.url}/jobs`)
      await expect.poll(() => site.api.followers()).toBe(0)
      expect(opened.complaints).toEqual([])
    })

    test('reconnects automatically after the stream was lost', async () => {
      await using site = await startSite()
      await using opened = await openPage()
      const { page } = opened
      await page.goto(`${site.url}/jobs/42`)
      await expect.poll(() => site.api.followers()).toBe(1)
      site.loseConnections()
      await page.getByText('Live updates are interrupted').waitFor()
      await expect.poll(() => site.api.followers(), { timeout: 15_000 }).toBe(1)
      await page.getByText('Live updates are interrupted').waitFor({ state: 'detached' })
      site.api.push({ type: 'logs', lines: [logFixture(50, { message: 'after the loss' })] })
      await page.getByText('after the loss').waitFor()
      expect(await page.locator('.log-line').count()).toBe(8)
    })

    test('shows no log line twice, and filters by level', async () => {
      await using site = await startSite()
      await using opened = await openPage()
      const { page } = opened
      await page.goto(`${site.url}/jobs/42`)
      await expect.poll(() => site.api.followers()).toBe(1)
      site.api.push({ type: 'logs', lines: [logFixture(7), logFixture(8, { message: 'the last line' })] })
      await page.getByText('the last line').waitFor()
      expect(await page.locator('.log-line').count()).toBe(8)
      await page.getByLabel('Lowest level').selectOption('warning')
      expect(await page.locator('.log-line:visible').count()).toBe(2)
    })

    test('leaves no hole in the log without a mark when lines were missed', async () => {
      await using site = await startSite({ logs: Array.from({ length: 10 }, (_, index) => logFixture(index + 1)) })
      await using opened = await openPage()
      const { page } = opened
      await page.goto(`${site.url}/jobs/42`)
      await expect.poll(() => site.api.followers()).toBe(1)
      const ids = () =>
        page
          .locator('#log-lines > li')
          .evaluateAll((items) => items.map((item) => item.getAttribute('data-id') ?? 'gap'))
      // While the connection is lost, more lines are written than a snapshot contains.
      site.api.logs.push(...Array.from({ length: 900 }, (_, index) => logFixture(index + 11)))
      site.loseConnections()
      await expect.poll(async () => (await ids()).at(-1), { timeout: 20_000 }).toBe('910')
      const all = (from: number, to: number) =>
        Array.from({ length: to - from + 1 }, (_, index) => String(from + index))
      await page.getByText('200 lines not shown').waitFor()
      expect(await ids()).toEqual([...all(1, 510), 'gap', ...all(711, 910)])
      await page.locator('.log-gap button').click()
      await expect.poll(ids).toEqual(all(1, 910))
      expect(await violations(page)).toEqual([])
    })

    test('keeps the scroll position of the log while it is paused', async () => {
      await using site = await startSite({ logs: Array.from({ length: 200 }, (_, index) => logFixture(index + 1)) })
      await using opened = await openPage()
      const { page } = opened
      await page.goto(`${site.url}/jobs/42`)
      await expect.poll(() => site.api.followers()).toBe(1)
      const fromEnd = () =>
        page.locator('#log-view').evaluate((view) => view.scrollHeight - view.scrollTop - view.clientHeight)
      expect(await fromEnd()).toBeLessThan(5)
      await page.locator('#log-view').evaluate((view) => view.scrollTo(0, 0))
      await page.getByRole('button', { name: 'Follow the log' }).waitFor()
      site.api.push({ type: 'logs', lines: [logFixture(201, { message: 'unseen' })] })
      await page.getByText('unseen').waitFor()
      expect(await fromEnd()).toBeGreaterThan(500)
      await page.getByRole('button', { name: 'Follow the log' }).click()
      expect(await fromEnd()).toBeLessThan(5)
    })

    test('draws 20 metrics of 100,000 points each in their own charts, zooms them together, and loads more of the zoomed one', async () => {
      const names = Array.from({ length: 20 }, (_, index) => (index < 10 ? `train/m${index}` : `m${index}`))
      const series = names.map((name) => ({
        name,
        axis: 'step' as const,
        count: 100_000,
        points: Array.from({ length: 500 }, (_, index) => ({
          step: index * 200,
          value: Math.sin(index / 40) - 0.5,
          time: new Date(NOW.getTime() + index * 1000).toISOString(),
        })),
      }))
      await using site = await startSite({ series })
      await using opened = await openPage()
      const { page, complaints } = opened
      await page.goto(`${site.url}/jobs/40`)
      const charts = page.locator('figure.chart')
      expect(await charts.count()).toBe(20)
      for (const chart of await charts.all()) {
        await chart.scrollIntoViewIfNeeded()
        await chart.locator('canvas').waitFor()
      }
      expect(await violations(page)).toEqual([])

      const first = page.locator('[data-chart="step:m10"]')
      const second = page.locator('[data-chart="step:m11"]')
      const pixels = () => second.locator('canvas').screenshot()
      await first.scrollIntoViewIfNeeded()
      let before = await pixels()
      const changes = async (what: string) => {
        await expect.poll(async () => (await pixels()).equals(before), { message: what }).toBe(false)
        before = await pixels()
      }
      await page.getByLabel('Smoothing').fill('0.9')
      await changes('smoothing')
      await page.getByLabel('Log scale').check()
      await changes('a logarithmic scale')
      await page.getByLabel('Axis').selectOption('time')
      await changes('an axis of time')
      await page.getByLabel('Axis').selectOption('reported')
      await page.getByLabel('Log scale').uncheck()
      await page.getByLabel('Smoothing').fill('0')

      before = await pixels()
      const plot = first.locator('.u-over')
      await plot.scrollIntoViewIfNeeded()
      const box = await plot.boundingBox()
      if (box === null) throw new Error('The chart is not visible')
      await page.mouse.move(box.x + box.width * 0.25, box.y + 50)
      expect(await second.locator('.readout').textContent()).toMatch(/ · step \d+/)
      await page.mouse.down()
      await page.mouse.move(box.x + box.width * 0.5, box.y + 60, { steps: 4 })
      await page.mouse.up()
      await changes('a zoom of its neighbour')
      await expect
        .poll(() => site.api.requests.some((one) => one.includes('name=m10') && one.includes('20000')))
        .toBe(true)
      await page.getByRole('button', { name: 'Reset zoom' }).click()
      await changes('the end of the zoom')

      await first.locator('.plot').focus()
      await page.keyboard.press('ArrowLeft')
      expect(await first.locator('.readout').textContent()).toMatch(/ · step 99\d00/)
      await page.keyboard.press('+')
      await page.getByRole('button', { name: 'Reset zoom' }).waitFor()
      await page.keyboard.press('0')
      await page.getByRole('button', { name: 'Reset zoom' }).waitFor({ state: 'hidden' })

      const download = page.waitForEvent('download')
      await page.getByRole('button', { name: 'Save train/m3 as PNG' }).click()
      expect((await download).suggestedFilename()).toBe('train-m3.png')
      const csv = page.waitForEvent('download')
      await page.getByRole('link', { name: 'Save train/m3 as CSV' }).click()
      expect((await csv).suggestedFilename()).toBe('job-40-attempt-1.csv')
      expect(complaints).toEqual([])
    })

    test('works by forms alone without scripts', async () => {
      await using site = await startSite()
      await using opened = await openPage({ javaScriptEnabled: false })
      const { page } = opened
      await page.goto(`${site.url}/jobs/42`)
      await page.locator('.static-chart').first().waitFor()
      await page.locator('noscript a').waitFor()
      await page.locator('#job-actions button').click()
      const dialog = page.locator('#cancel-dialog')
      await dialog.waitFor()
      expect(site.api.jobs[0]?.cancelRequested).toBe(false)
      await dialog.getByRole('link', { name: 'Keep it running' }).click()
      await dialog.waitFor({ state: 'hidden' })
      await page.locator('#job-actions button').click()
      await dialog.getByRole('button', { name: 'Cancel job' }).click()
      await page.getByText('Cancelling').waitFor()
      expect(site.api.jobs[0]?.cancelRequested).toBe(true)
    })
  })

  describe('a job that has ended', () => {
    test('is restarted or deleted only after a question, by keyboard', async () => {
      await using site = await startSite()
      await using opened = await openPage()
      const { page, complaints } = opened
      await page.goto(`${site.url}/jobs/40`)
      await page.getByRole('button', { name: 'Restart' }).focus()
      await page.keyboard.press('Enter')
      await page.locator('#restart-dialog').waitFor()
      expect(await violations(page)).toEqual([])
      await page.keyboard.press('Escape')
      await page.getByRole('button', { name: 'Delete' }).focus()
      await page.keyboard.press('Enter')
      await page.locator('#delete-dialog').waitFor()
      expect(await focused(page)).toBe('Keep it')
      expect(site.api.requests.filter((request) => !request.startsWith('GET'))).toEqual([])
      await page.keyboard.press('Tab')
      await page.keyboard.press('Enter')
      await page.getByText('Job 40 was deleted.').waitFor()
      expect(complaints).toEqual([])
    })

    test('is compared with others that are selected in the list, by keyboard', async () => {
      await using site = await startSite()
      await using opened = await openPage({ viewport: { width: 320, height: 700 } })
      const { page, complaints } = opened
      await page.goto(`${site.url}/jobs`)
      expect(await page.getByRole('button', { name: 'Compare' }).isDisabled()).toBe(true)
      for (const id of [42, 40]) {
        await page.getByLabel(`Select job ${id}`).focus()
        await page.keyboard.press('Space')
      }
      await page.getByText('2 selected').waitFor()
      expect(await violations(page)).toEqual([])
      await page.getByRole('button', { name: 'Compare' }).press('Enter')
      await page.waitForURL('**/jobs/compare?ids=42&ids=40')
      await seeFirstPlot(page)
      expect(await violations(page)).toEqual([])
      expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(0)
      const entry = page.locator('.legend button').first()
      await entry.press('Enter')
      expect(await entry.getAttribute('aria-pressed')).toBe('false')

      await page.goBack()
      await page.getByRole('button', { name: 'Delete …' }).click()
      await page.getByRole('heading', { name: 'Delete 1 job?' }).waitFor()
      expect(await violations(page)).toEqual([])
      await page.getByRole('button', { name: 'Delete 1 job' }).click()
      await page.getByText('1 job deleted.').waitFor()
      expect(complaints).toEqual([])
    })

    test('draws its predictions on the pictures, and runs nothing that a trainer wrote', async () => {
      const hostile = '<img src=x onerror=alert(1)>'
      const png = Uint8Array.from(
        Buffer.from(
          'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=',
          'base64',
        ),
      )
      const svg = new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>')
      const time = NOW.toISOString()
      const found = { classId: 1, className: hostile, confidence: 0.9, bbox: [0.1, 0.1, 0.9, 0.9] }
      const event = (seq: number, imageName: string) => ({
        attempt: 1,
        seq,
        type: 'prediction',
        receivedAt: time,
        body: { type: 'prediction', seq, time, imageName, predictions: [found] },
      })
      await using site = await startSite({
        jobs: [predictJob()],
        series: [],
        events: [event(1, 'a.png'), event(2, 'evil.png')],
        stored: { 'a.png': png, 'evil.png': svg },
        validations: [
          JobValidation.parse({
            attempt: 1,
            seq: 3,
            time,
            primary: { name: 'recall', value: 0.5, goal: 'maximize' },
            perClass: { [hostile]: { recall: 0.5 }, b: { recall: 0.25 } },
            confusionMatrix: {
              classes: [hostile, 'b'],
              counts: [
                [3, 1],
                [2, 4],
              ],
            },
          }),
        ],
      })
      await using opened = await openPage({ viewport: { width: 320, height: 700 } })
      const { page, complaints } = opened
      for (const path of ['/jobs/39', '/jobs/39/predictions', '/jobs/39/lineage']) {
        await page.goto(site.url + path)
        if (path !== '/jobs/39/lineage') {
          await page.locator('.predictions').scrollIntoViewIfNeeded()
          await page.locator('.overlay.fitted rect').waitFor()
          await page.locator('.without-picture').waitFor({ state: 'attached' })
        }
        expect(await violations(page), path).toEqual([])
        expect(
          await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth),
          path,
        ).toBeLessThanOrEqual(0)
      }
      expect(complaints).toEqual([])
    })

    test('shows its earlier attempts', async () => {
      await using site = await startSite({
        jobs: [jobFixture({ attempt: 2, state: 'succeeded', finishedAt: NOW.toISOString() })],
      })
      await using opened = await openPage({ viewport: { width: 320, height: 700 } })
      const { page, complaints } = opened
      await page.goto(`${site.url}/jobs/42`)
      await page.getByRole('navigation', { name: 'Attempts' }).getByRole('link', { name: 'Attempt 1' }).click()
      await page.getByText('This is attempt 1 of 2.').waitFor()
      await seeFirstPlot(page)
      expect(await violations(page)).toEqual([])
      expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(0)
      await page.getByRole('link', { name: 'Show the newest attempt' }).click()
      await page.waitForURL(`${site.url}/jobs/42`)
      expect(complaints).toEqual([])
    })
  })
})
