import { Prediction } from '@trainyard/contract'
import type { Browser, BrowserContextOptions } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasChromium, launchChromium } from '../testing/browser.ts'
import { artifactFixture, NOW, succeededJob } from '../testing/fixtures.ts'
import { openIn, sideways, startSite, violations } from '../testing/site.ts'

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=',
  'base64',
)
const LONG = `${'a-very-long-name-without-a-break'.repeat(6)}.png`

const prediction = (more: object = {}): Prediction =>
  Prediction.parse({
    id: 'art_picture',
    checkpoint: 'art_best',
    job: { id: 43, state: 'running' },
    state: 'done',
    picture: {
      name: LONG,
      contentType: 'image/png',
      sizeBytes: PNG.length,
      width: 640,
      height: 480,
      url: '/storage/p',
    },
    objects: [
      { classId: 1, className: 'dog', confidence: 0.4, bbox: [1, 1, 50, 60] },
      {
        classId: 0,
        className: 'cat'.repeat(60),
        confidence: 0.93,
        bbox: [10, 20, 110, 220],
        polygon: [1, 1, 9, 9, 1, 9],
      },
    ],
    inferenceTimeMs: 12.4,
    createdAt: NOW.toISOString(),
    ...more,
  })

describe.skipIf(!hasChromium())('trying a checkpoint, in a browser', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchChromium()
  })
  afterAll(async () => {
    await browser.close()
  })

  const start = (predictions: Prediction[], more: object = {}) =>
    startSite({
      jobs: [{ ...succeededJob(), id: 42, taskType: 'detection' }],
      artifacts: [{ ...artifactFixture({ id: 'art_best', name: 'best.bin' }), url: '/storage/best' }],
      stored: { p: new Uint8Array(PNG) },
      predictions,
      ...more,
    })

  const looks: [string, BrowserContextOptions][] = [
    ['light, desktop', { colorScheme: 'light' }],
    ['dark, the narrowest phone', { colorScheme: 'dark', viewport: { width: 320, height: 640 } }],
  ]
  test.each(looks)('is accessible and fits the window: %s', async (look, options) => {
    await using site = await start([prediction(), prediction({ id: 'art_failed', state: 'failed', error: LONG })])
    await using opened = await openIn(browser, options)
    const { page, complaints } = opened
    for (const path of [
      '/predict',
      '/predict/42/art_best',
      '/predict/42/art_best?try=art_picture',
      '/predict/42/art_best?try=art_failed',
    ]) {
      await page.goto(site.url + path)
      expect([path, await violations(page)]).toEqual([path, []])
      expect([path, await sideways(page)]).toEqual([path, 0])
      const folder = process.env.SCREENSHOTS
      if (folder)
        await page.screenshot({
          path: `${folder}/predict-${path.replace(/\W+/g, '-')}-${look.replace(/\W+/g, '-')}.png`,
          fullPage: true,
        })
    }
    expect(complaints).toEqual([])
  })

  test('a chosen picture is sent, its result appears without a reload, and the threshold hides unsure objects', async () => {
    await using site = await start([prediction({ state: 'waiting', objects: undefined })])
    await using opened = await openIn(browser)
    const { page, complaints } = opened
    await page.goto(`${site.url}/predict/42/art_best`)
    await page
      .getByLabel('Picture', { exact: true })
      .setInputFiles({ name: 'a.png', mimeType: 'image/png', buffer: PNG })
    await page.getByText('The trainer predicts this picture').waitFor()
    expect(site.api.uploads.map(({ byteLength }) => byteLength)).toEqual([PNG.length])
    expect(new URL(page.url()).search).toBe('?try=art_picture')
    site.api.predictions = [prediction()]
    const dog = page.locator('.found-list li', { hasText: 'dog' })
    await dog.waitFor()
    await page.getByLabel('Show from a confidence of').fill('0.5')
    expect(await dog.isVisible()).toBe(false)
    expect(await page.locator('.overlay rect').count()).toBe(2)
    expect(await page.locator('.overlay .below rect').count()).toBe(1)
    expect(complaints).toEqual([])
  })

  test('a dropped picture that is refused says why, and the next one works', async () => {
    await using site = await start([prediction()], { refusal: '"a.png" has 20000 × 20000 pixels' })
    await using opened = await openIn(browser)
    const { page } = opened
    await page.goto(`${site.url}/predict/42/art_best`)
    const drop = async () => {
      const transfer = await page.evaluateHandle(
        (bytes) => {
          const data = new DataTransfer()
          data.items.add(new File([new Uint8Array(bytes)], 'a.png', { type: 'image/png' }))
          return data
        },
        [...PNG],
      )
      await page.dispatchEvent('#picture-form', 'drop', { dataTransfer: transfer })
    }
    await drop()
    await page.getByText('has 20000 × 20000 pixels').waitFor()
    site.api.refusal = undefined
    await drop()
    await page.locator('.found-list li', { hasText: 'dog' }).waitFor()
    expect(await page.locator('#picture-status').textContent()).toBe('')
  })
})
