import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasChromium, launchChromium, listen } from '../../packages/web/src/testing/browser.ts'
import { openIn, sideways, violations } from '../../packages/web/src/testing/site.ts'

const dir = join(import.meta.dirname, '../../dist/docs-site')
const isBuilt = existsSync(join(dir, 'index.html'))
if (!isBuilt) console.warn('Skipped: the site of the documentation is not built. Run npm run docs:site first.')

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.png': 'image/png',
}

/** Serves the folder as a host of static sites does: `/guides/a` is `guides/a.html`. */
async function serveFile(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url)
  const path = pathname.endsWith('/') ? `${pathname}index.html` : pathname
  const file = [path, `${path}.html`]
    .map((each) => join(dir, each))
    .find((each) => existsSync(each) && extname(each) !== '')
  if (file === undefined) return new Response('not found', { status: 404 })
  return new Response(await readFile(file), { headers: { 'content-type': TYPES[extname(file)] ?? 'application/json' } })
}

let browser: Browser
let site: Awaited<ReturnType<typeof listen>>

describe.skipIf(!isBuilt || !hasChromium())('the site of the documentation', () => {
  beforeAll(async () => {
    browser = await launchChromium()
    site = await listen(serveFile)
  })
  afterAll(async () => {
    await browser?.close()
    await site?.close()
  })

  /** The addresses of other hosts that a page asks for. */
  async function withoutNetwork(page: Page): Promise<string[]> {
    const asked: string[] = []
    await page.route(/.*/, async (route) => {
      const url = route.request().url()
      if (url.startsWith(site.url) || url.startsWith('data:')) return route.continue()
      asked.push(url)
      return route.abort()
    })
    return asked
  }

  const PAGES = [
    '/',
    '/tutorials/first-trainer',
    '/problems/not_found',
    '/rules/TY201',
    '/reference/api/testing',
    '/reference/http/runner-jobs',
  ]

  for (const colorScheme of ['light', 'dark'] as const) {
    test(`its pages are accessible in the ${colorScheme} theme, and ask nothing of other hosts`, async () => {
      await using opened = await openIn(browser, { colorScheme, reducedMotion: 'reduce' })
      const asked = await withoutNetwork(opened.page)
      const found: string[] = []
      for (const path of PAGES) {
        await opened.page.goto(`${site.url}${path}`, { waitUntil: 'networkidle' })
        found.push(...(await violations(opened.page)).map((violation) => `${path}: ${violation}`))
      }
      expect(found).toEqual([])
      expect(asked).toEqual([])
      expect(opened.complaints).toEqual([])
    })
  }

  test('no page scrolls sideways on a small phone', async () => {
    await using opened = await openIn(browser, { viewport: { width: 320, height: 640 } })
    for (const path of PAGES) {
      await opened.page.goto(`${site.url}${path}`, { waitUntil: 'networkidle' })
      expect(await sideways(opened.page), path).toBe(0)
    }
  })

  test('the search finds a page without a network, and opens it by the keyboard', async () => {
    await using opened = await openIn(browser)
    await withoutNetwork(opened.page)
    await opened.page.goto(site.url, { waitUntil: 'networkidle' })
    await opened.page.keyboard.press('Control+k')
    await opened.page.getByRole('searchbox').fill('sequence_gap')
    await opened.page.locator('.result').first().waitFor()
    await opened.page.keyboard.press('Enter')
    await opened.page.locator('h1', { hasText: 'sequence_gap' }).waitFor()
    expect(opened.page.url()).toContain('/problems/sequence_gap')
  })
})
