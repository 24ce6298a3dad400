import type { Browser, BrowserContextOptions } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasChromium, launchChromium } from './testing/browser.ts'
import { EVERY_PAGE, startEveryPage } from './testing/every-page.ts'
import { openIn, sideways, violations } from './testing/site.ts'

const PHONE = { width: 320, height: 700 }
const LOOKS: [string, BrowserContextOptions][] = [
  ['English, light, desktop', { colorScheme: 'light' }],
  ['English, dark, narrow phone', { colorScheme: 'dark', viewport: PHONE }],
  ['Korean, dark, desktop', { colorScheme: 'dark', locale: 'ko-KR' }],
  ['Korean, light, narrow phone', { colorScheme: 'light', locale: 'ko-KR', viewport: PHONE }],
]

describe.skipIf(!hasChromium())('every page', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchChromium()
  })
  afterAll(async () => {
    await browser.close()
  })

  test.each(LOOKS)(
    'is accessible, fits the window, and the browser complains of nothing: %s',
    async (look, options) => {
      await using site = await startEveryPage()
      await using opened = await openIn(browser, options)
      const { page, complaints } = opened
      const wide: string[] = []
      const found: string[] = []
      for (const [name, path] of Object.entries(EVERY_PAGE)) {
        const response = await page.goto(site.url + path)
        if (response?.status() !== (name === 'not-found' ? 404 : 200)) found.push(`${name}: ${response?.status()}`)
        expect(await page.locator('html').getAttribute('lang')).toBe(look.startsWith('Korean') ? 'ko' : 'en')
        if ((await sideways(page)) > 0) wide.push(name)
        found.push(...(await violations(page)).map((violation) => `${name}: ${violation}`))
      }
      expect({ wide, found, complaints }).toEqual({ wide: [], found: [], complaints: [] })
    },
  )
})
