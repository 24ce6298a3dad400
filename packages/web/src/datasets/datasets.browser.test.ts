import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, BrowserContextOptions } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasChromium, launchChromium } from '../testing/browser.ts'
import { datasetFixture, imagesFixture } from '../testing/fixtures.ts'
import { openIn, sideways, startSite, violations } from '../testing/site.ts'

/** A picture of one grey pixel. */
const PNG = Uint8Array.from(
  Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==', 'base64'),
)

describe.skipIf(!hasChromium())('datasets in a browser', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchChromium()
  })
  afterAll(async () => {
    await browser.close()
  })

  const pictures = Object.fromEntries(imagesFixture().map(({ path }) => [path, { type: 'image/png', body: PNG }]))
  const datasets = [datasetFixture(), datasetFixture({ id: 'ds_2', name: `${'w'.repeat(190)} مجموعة 🌻` })]

  const looks: [string, BrowserContextOptions][] = [
    ['light, desktop', { colorScheme: 'light' }],
    ['dark, narrow phone', { colorScheme: 'dark', viewport: { width: 320, height: 700 } }],
  ]
  test.each(looks)('are accessible and fit the window: %s', async (look, options) => {
    await using site = await startSite({ pictures, datasets })
    await using opened = await openIn(browser, options)
    const { page, complaints } = opened
    for (const [name, path] of [
      ['datasets', '/datasets'],
      ['dataset', '/datasets/ds_1'],
      ['dataset-long', '/datasets/ds_2'],
    ] as const) {
      await page.goto(site.url + path)
      expect(await violations(page), name).toEqual([])
      expect(await sideways(page), `${name} is wider than the window`).toBeLessThanOrEqual(0)
      const folder = process.env.SCREENSHOTS
      if (folder) await page.screenshot({ path: `${folder}/${name}-${look.replace(/\W+/g, '-')}.png`, fullPage: true })
    }
    expect(complaints).toEqual([])
  })

  test('a dataset is found, filtered and deleted, by keyboard', async () => {
    await using site = await startSite({ pictures })
    await using opened = await openIn(browser)
    const { page } = opened
    await page.goto(`${site.url}/datasets`)
    await page.getByRole('link', { name: 'flowers' }).press('Enter')
    await expect.poll(() => page.locator('.tile img').count()).toBe(4)
    await page.getByLabel('Split').selectOption('Validation')
    await page.getByRole('button', { name: 'Show' }).press('Enter')
    await page.waitForURL(/split=val/)
    expect(await page.locator('.tile').count()).toBe(2)
    await page.getByRole('button', { name: 'Delete: flowers' }).press('Enter')
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).press('Enter')
    await page.getByText('The dataset was deleted.').waitFor()
    expect(site.api.datasets).toEqual([])
  })

  test('a folder is uploaded, again after the server was away, and without scripts an archive', async () => {
    await using site = await startSite({ away: 1 })
    const folder = await mkdtemp(join(tmpdir(), 'trainyard-upload-'))
    try {
      await mkdir(join(folder, 'set', 'daisy'), { recursive: true })
      await writeFile(join(folder, 'set', 'daisy', '1.png'), PNG)
      await writeFile(join(folder, 'set.zip'), 'z'.repeat(2000))
      await using opened = await openIn(browser)
      const { page, complaints } = opened
      await page.goto(`${site.url}/datasets`)
      await page.getByLabel('Folder').setInputFiles(join(folder, 'set'))
      expect(await page.getByLabel('Name').inputValue()).toBe('set')
      await page.getByRole('button', { name: 'Upload' }).click()
      await page.getByText('The server does not respond. The upload starts again').waitFor()
      await page.waitForURL(/\/datasets\/ds_up0$/)
      expect(Buffer.from(site.api.uploads[0] ?? []).toString('latin1')).toMatch(/^set\/daisy\/1\.png\0/)
      expect(complaints).toEqual([])
      await using plain = await openIn(browser, { javaScriptEnabled: false })
      await plain.page.goto(`${site.url}/datasets`)
      await plain.page.getByLabel('Name').fill('by hand')
      await plain.page.getByLabel('Archive').setInputFiles(join(folder, 'set.zip'))
      await plain.page.getByRole('button', { name: 'Upload' }).click()
      await plain.page.waitForURL(/\/datasets\/ds_up1$/)
      expect(site.api.uploads[1]?.length).toBe(2000)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
