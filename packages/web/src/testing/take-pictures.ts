import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { BrowserContextOptions } from 'playwright-core'
import { launchChromium } from './browser.ts'
import { EVERY_PAGE, startEveryPage } from './every-page.ts'
import { openIn } from './site.ts'

const DESKTOP = { width: 1280, height: 900 }
const PHONE = { width: 390, height: 844 }
const NARROW = { width: 320, height: 700 }

const LOOKS: Readonly<Record<string, BrowserContextOptions>> = {
  'light-desktop': { colorScheme: 'light', viewport: DESKTOP },
  'dark-desktop': { colorScheme: 'dark', viewport: DESKTOP },
  'light-phone': { colorScheme: 'light', viewport: PHONE },
  'dark-phone': { colorScheme: 'dark', viewport: PHONE },
  'light-narrow': { colorScheme: 'light', viewport: NARROW },
  'korean-desktop': { colorScheme: 'light', viewport: DESKTOP, locale: 'ko-KR' },
  'korean-phone': { colorScheme: 'light', viewport: PHONE, locale: 'ko-KR' },
}

/** A picture of every page in every look, into a folder. Prints what a browser complains of. */
export async function takePictures(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  await using site = await startEveryPage()
  const browser = await launchChromium()
  try {
    for (const [look, options] of Object.entries(LOOKS)) {
      await using opened = await openIn(browser, options)
      const { page, complaints } = opened
      for (const [name, path] of Object.entries(EVERY_PAGE)) {
        // A live page loads until its job ends.
        await page.goto(`${site.url}${path}`, { waitUntil: 'load' })
        await page.waitForTimeout(300)
        await page.screenshot({ path: join(folder, `${name}-${look}.png`), fullPage: true })
      }
      for (const complaint of complaints) console.warn(`${look}: ${complaint}`)
    }
  } finally {
    await browser.close()
  }
}
