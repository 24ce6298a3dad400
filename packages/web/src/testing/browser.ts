import { existsSync } from 'node:fs'
import { serve } from '@hono/node-server'
import { type Browser, chromium } from 'playwright-core'

/** Debian's Chromium by default; `CHROMIUM_PATH` names another one. */
const chromiumPath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium'

export function hasChromium(): boolean {
  if (existsSync(chromiumPath)) return true
  console.warn(`Skipped: there is no Chromium at ${chromiumPath}. Install it, or set CHROMIUM_PATH.`)
  return false
}

export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ],
  })
}

type Fetch = (request: Request) => Response | Promise<Response>

/** Really listens, on a free port of the loopback. */
export function listen(fetch: Fetch): Promise<{ url: string; loseConnections(): void; close(): Promise<void> }> {
  return new Promise((resolve) => {
    const server = serve({ fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => {
      resolve({
        url: `http://127.0.0.1:${port}`,
        loseConnections: () => {
          if ('closeAllConnections' in server) server.closeAllConnections()
        },
        close: () =>
          new Promise((done) => {
            server.close(() => done())
            if ('closeAllConnections' in server) server.closeAllConnections()
          }),
      })
    })
  })
}
