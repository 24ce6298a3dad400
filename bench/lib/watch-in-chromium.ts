import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

export interface ChromiumReader {
  /** Jobs whose snapshot arrived. */
  ready(): Promise<number>
  /** Milliseconds from a trainer's call to the row of the page that shows it, and to the frame after it. */
  delays(): Promise<{ shown: number[]; painted: number[] }>
  close(): Promise<void>
}

/**
 * A real browser that follows jobs as a page does: one socket each, and a table row that is updated by each message.
 * Undefined where there is no Chromium. The metric `sent` holds the moment of the trainer's call, counted from `origin`.
 */
export async function watchInChromium(
  serverUrl: string,
  jobIds: readonly number[],
  origin: number,
): Promise<ChromiumReader | undefined> {
  const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium'
  if (!existsSync(executablePath)) {
    console.error(`no Chromium at ${executablePath} (or set CHROMIUM_PATH): the reader in a browser is left out`)
    return undefined
  }
  const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking']
  const browser: Browser = await chromium.launch({ executablePath, args: [...args, '--no-first-run'] })
  const page = await browser.newPage()
  await page.goto(`${serverUrl}/healthz`)
  await page.evaluate(SCRIPT)
  await page.evaluate(`watch(${JSON.stringify({ url: serverUrl.replace('http', 'ws'), jobIds, origin })})`)
  return {
    ready: async () => Number(await page.evaluate('seen.snapshots')),
    delays: async () => (await page.evaluate('seen.delays')) as { shown: number[]; painted: number[] },
    close: () => browser.close(),
  }
}

/** Runs in the page; both clocks are the machine's. */
const SCRIPT = `
  globalThis.seen = { snapshots: 0, delays: { shown: [], painted: [] } }
  const now = () => performance.timeOrigin + performance.now()
  globalThis.watch = ({ url, jobIds, origin }) => {
    document.body.innerHTML = '<table></table>'
    for (const id of jobIds) {
      const row = document.querySelector('table').insertRow()
      row.insertCell().textContent = 'job ' + id
      const cell = row.insertCell()
      new WebSocket(url + '/v1/jobs/' + id + '/live').addEventListener('message', ({ data }) => {
        const message = JSON.parse(data)
        if (message.type === 'snapshot') seen.snapshots++
        for (const { name, value } of message.points ?? []) {
          if (name !== 'sent') continue
          cell.textContent = value
          cell.getBoundingClientRect()
          seen.delays.shown.push(now() - origin - value)
          requestAnimationFrame(() => setTimeout(() => seen.delays.painted.push(now() - origin - value)))
        }
      })
    }
  }`
