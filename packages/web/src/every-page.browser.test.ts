import type { Browser, BrowserContextOptions } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasChromium, launchChromium } from './testing/browser.ts'
import { EVERY_PAGE, startEveryPage } from './testing/every-page.ts'
import { openIn, sideways, violations } from './testing/site.ts'

const PHONE = { width: 320, height: 700 }
const PAGES_A_TEST = 9
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

  // In parts, so that each ends in time on a busy machine.
  const pages = Object.entries(EVERY_PAGE)
  const parts = Array.from({ length: Math.ceil(pages.length / PAGES_A_TEST) }, (_, part) =>
    pages.slice(part * PAGES_A_TEST, (part + 1) * PAGES_A_TEST),
  )
  const tests = LOOKS.flatMap(([look, options]) =>
    parts.map((part) => ({ look, options, part, names: part.map(([name]) => name).join(', ') })),
  )

  test.each(tests)('is accessible, and fits the window: $look: $names', async ({ look, options, part }) => {
    await using site = await startEveryPage()
    await using opened = await openIn(browser, options)
    const { page, complaints } = opened
    const wide: string[] = []
    const found: string[] = []
    for (const [name, path] of part) {
      const response = await page.goto(site.url + path)
      if (response?.status() !== (name === 'not-found' ? 404 : 200)) found.push(`${name}: ${response?.status()}`)
      expect(await page.locator('html').getAttribute('lang')).toBe(look.startsWith('Korean') ? 'ko' : 'en')
      if ((await sideways(page)) > 0) wide.push(name)
      found.push(...(await violations(page)).map((violation) => `${name}: ${violation}`))
    }
    expect({ wide, found, complaints }).toEqual({ wide: [], found: [], complaints: [] })
  })
})
