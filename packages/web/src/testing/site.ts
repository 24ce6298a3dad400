import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AxeResults, RunOptions } from 'axe-core'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { createWeb } from '../index.ts'
import { listen } from './browser.ts'
import { createFakeApi, type FakeApi } from './fake-api.ts'
import {
  artifactsFixture,
  datasetFixture,
  failedJob,
  imagesFixture,
  jobFixture,
  logsFixture,
  NOW,
  seriesFixture,
  succeededJob,
  trainerFixture,
  versionFixture,
} from './fixtures.ts'

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core'), 'utf8')

/** Pages and scripted APIs, really listening; all stopped at the end of the test that started them. */
export async function startSite(state: Parameters<typeof createFakeApi>[0] = {}) {
  const api: FakeApi = createFakeApi({
    trainers: [trainerFixture()],
    versions: [versionFixture()],
    jobs: [jobFixture(), failedJob(), succeededJob()],
    datasets: [datasetFixture()],
    images: imagesFixture(),
    series: seriesFixture(8),
    logs: logsFixture(),
    artifacts: artifactsFixture().artifacts,
    ...state,
  })
  const apiServer = await listen(api.app.fetch)
  const { app } = createWeb({ registryUrl: apiServer.url, runnerUrl: apiServer.url, now: () => NOW })
  const site = await listen(app.fetch)
  return {
    api,
    url: site.url,
    /** As a restart of a proxy would. */
    loseConnections: () => site.loseConnections(),
    [Symbol.asyncDispose]: async () => {
      await site.close()
      await apiServer.close()
    },
  }
}

/** By how many pixels a page is wider than its window. */
export function sideways(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
}

/** A page, and what the browser complains of while it is open. */
export async function openIn(browser: Browser, options: BrowserContextOptions = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    const notLoaded = message.text().startsWith('Failed to load resource')
    if (message.type() === 'error' && !notLoaded) complaints.push(message.text())
  })
  return { page, complaints, [Symbol.asyncDispose]: () => context.close() }
}

export const focused = (page: Page) => page.evaluate(() => document.activeElement?.textContent?.trim())

/** What axe finds, short enough to read in a failure. The policy forbids scripts in the page, so it is evaluated from outside. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axeSource)
  const results = await page.evaluate(
    (options) => (globalThis as unknown as { axe: { run(options: RunOptions): Promise<AxeResults> } }).axe.run(options),
    { resultTypes: ['violations'] } satisfies RunOptions,
  )
  return results.violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.target.join(' ')}: ${node.failureSummary}`),
  )
}
