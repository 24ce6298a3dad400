import type { Browser, BrowserContextOptions } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasChromium, launchChromium } from '../testing/browser.ts'
import { openIn, sideways, startSite, violations } from '../testing/site.ts'

const FORM = '/jobs/new?trainer=trainyard%2Ftfjs-classifier'

describe.skipIf(!hasChromium())('starting a job in a browser', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchChromium()
  })
  afterAll(async () => {
    await browser.close()
  })

  const looks: [string, BrowserContextOptions][] = [
    ['light, desktop', { colorScheme: 'light' }],
    ['dark, narrow phone', { colorScheme: 'dark', viewport: { width: 320, height: 700 } }],
  ]
  test.each(looks)('is accessible and fits the window: %s', async (look, options) => {
    await using site = await startSite()
    await using opened = await openIn(browser, options)
    const { page, complaints } = opened
    const check = async (name: string) => {
      expect(await violations(page), name).toEqual([])
      expect(await sideways(page), `${name} is wider than the window`).toBeLessThanOrEqual(0)
      const folder = process.env.SCREENSHOTS
      if (folder) await page.screenshot({ path: `${folder}/${name}-${look.replace(/\W+/g, '-')}.png`, fullPage: true })
    }
    await page.goto(`${site.url}/jobs/new`)
    await check('choose-trainer')
    await page.goto(site.url + FORM)
    for (const summary of await page.locator('.fold summary').all()) await summary.click()
    await check('new-job')
    await page.getByRole('combobox', { name: 'Dataset' }).selectOption('ds_1')
    await page.getByLabel('label_smoothing').fill('0.2')
    await page.getByLabel('Other settings').fill('{')
    await page.getByRole('button', { name: 'Start' }).click()
    await page.getByText('The job was not started.').waitFor()
    await check('new-job-refused')
    expect(complaints).toEqual([])
  })

  test('a preset fills the form at once, and "back" finds what was typed', async () => {
    await using site = await startSite()
    await using opened = await openIn(browser)
    const { page } = opened
    await page.goto(site.url + FORM)
    await page.getByLabel('optimizer').selectOption('sgd')
    await page.getByLabel('Preset').selectOption('careful')
    await expect.poll(() => page.getByLabel('epochs').inputValue()).toBe('100')
    expect(await page.getByLabel('optimizer').inputValue()).toBe('"sgd"')
    await page.getByRole('combobox', { name: 'Dataset' }).selectOption('ds_1')
    await page.getByLabel('epochs').fill('9')
    await page.getByRole('button', { name: 'Start' }).click()
    await page.waitForURL(/\/jobs\/42$/)
    await page.goBack()
    await expect.poll(() => page.getByLabel('epochs').inputValue()).toBe('9')
    expect(await page.getByRole('combobox', { name: 'Dataset' }).inputValue()).toBe('ds_1')
  })

  test('works by keyboard and without scripts, from the page of the trainer to the job', async () => {
    await using site = await startSite()
    await using opened = await openIn(browser, { javaScriptEnabled: false })
    const { page } = opened
    await page.goto(`${site.url}/trainers/trainyard/tfjs-classifier`)
    await page.getByRole('link', { name: 'Train', exact: true }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('combobox', { name: 'Dataset' }).focus()
    await page.keyboard.type('flowers')
    await page.getByLabel('epochs').fill('4')
    await page.keyboard.press('Enter')
    await page.waitForURL(/\/jobs\/42$/)
    expect([...site.api.created.values()]).toMatchObject([{ dataset: 'ds_1', config: { epochs: 4 } }])
  })
})
