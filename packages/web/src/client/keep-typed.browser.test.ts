import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasChromium, launchChromium } from '../testing/browser.ts'
import { peopleFixture } from '../testing/people-fixtures.ts'
import { openIn, startSite } from '../testing/site.ts'

describe.skipIf(!hasChromium())('a form whose session ends while it is filled', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchChromium()
  })
  afterAll(async () => {
    await browser.close()
  })

  async function open(path: string) {
    const site = await startSite(peopleFixture())
    const opened = await openIn(browser)
    const { page } = opened
    const signIn = () =>
      page.context().addCookies([{ url: site.url, name: 'trainyard_session', value: 'session-ada@red.test' }])
    await signIn()
    await page.goto(site.url + path)
    return {
      page,
      complaints: opened.complaints,
      /** As an operator would. */
      endSession: () => page.context().clearCookies(),
      signInAgain: async () => {
        const to = new URL(page.url()).searchParams.get('to') ?? '/'
        await signIn()
        await page.goto(site.url + to)
        return to
      },
      [Symbol.asyncDispose]: async () => {
        await opened[Symbol.asyncDispose]()
        await site[Symbol.asyncDispose]()
      },
    }
  }

  test('leads back to its page, with everything that was typed and chosen', async () => {
    await using opened = await open('/account/tokens')
    const { page } = opened
    await page.getByLabel('Name').fill('<b>nightly</b> 😀')
    await page.getByLabel('Read jobs').check()
    await opened.endSession()
    await page.getByRole('button', { name: 'Create token' }).click()
    await page.waitForURL(/\/sign-in/)
    expect(await opened.signInAgain()).toBe('/account/tokens')
    expect(await page.getByLabel('Name').inputValue()).toBe('<b>nightly</b> 😀')
    expect(await page.getByLabel('Read jobs').isChecked()).toBe(true)
    expect(await page.getByText('What you typed is still here').isVisible()).toBe(true)
    // Once.
    await page.reload()
    expect(await page.getByLabel('Name').inputValue()).toBe('')
    expect(opened.complaints).toEqual([])
  })

  test('is empty after it was sent, and never keeps a password', async () => {
    await using opened = await open('/account/tokens')
    const { page } = opened
    await page.getByLabel('Name').fill('ci')
    await page.getByLabel('Read jobs').check()
    await page.getByRole('button', { name: 'Create token' }).click()
    await page.getByText('it is not shown again').waitFor()
    expect(await page.evaluate(() => sessionStorage.getItem('typed'))).toBeNull()
    await page.goto(new URL('/account', page.url()).href)
    await opened.endSession()
    const passwords = page.locator('form[action="/account/password"] input[type="password"]')
    for (const input of await passwords.all()) await input.fill('correct horse battery')
    await page.locator('form[action="/account/password"] button').click()
    await page.waitForURL(/\/sign-in/)
    expect(await page.evaluate(() => sessionStorage.getItem('typed') ?? '')).not.toContain('correct horse')
  })
})
