import type { Browser, BrowserContextOptions } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasChromium, launchChromium } from '../testing/browser.ts'
import { peopleFixture } from '../testing/people-fixtures.ts'
import { focused, openIn, sideways, startSite, violations } from '../testing/site.ts'

describe.skipIf(!hasChromium())('the pages of people, in a browser', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchChromium()
  })
  afterAll(async () => {
    await browser.close()
  })

  async function openSignedIn(url: string, options?: BrowserContextOptions) {
    const opened = await openIn(browser, options)
    await opened.page.context().addCookies([{ url, name: 'trainyard_session', value: 'session-ada@red.test' }])
    return opened
  }

  describe('are accessible', () => {
    const looks: [string, BrowserContextOptions][] = [
      ['light, desktop', { colorScheme: 'light' }],
      ['dark, desktop', { colorScheme: 'dark' }],
      ['light, phone', { colorScheme: 'light', viewport: { width: 390, height: 844 } }],
      ['dark, the narrowest phone', { colorScheme: 'dark', viewport: { width: 360, height: 740 } }],
    ]
    test.each(looks)('%s', async (look, options) => {
      await using site = await startSite(peopleFixture())
      await using opened = await openSignedIn(site.url, options)
      const { page, complaints } = opened
      const look1 = async (name: string) => {
        expect(await violations(page), name).toEqual([])
        expect(await sideways(page), `${name} is wider than the window`).toBeLessThanOrEqual(0)
        const folder = process.env.SCREENSHOTS
        if (folder)
          await page.screenshot({ path: `${folder}/${name}-${look.replace(/\W+/g, '-')}.png`, fullPage: true })
      }
      for (const path of [
        '/account',
        '/account/tokens',
        '/organisations',
        '/organisations/red-team',
        '/organisations/red-team/join',
        '/reset-password',
      ]) {
        await page.goto(site.url + path)
        await look1(path.replaceAll('/', '-').slice(1))
      }
      await page.goto(`${site.url}/account/tokens`)
      await page.getByRole('button', { name: 'Revoke: nightly training' }).click()
      await look1('revoke')
      await page.getByRole('button', { name: 'Cancel' }).first().click()
      await page.getByLabel('Name').fill('ci')
      await page.getByLabel('Read jobs').check()
      await page.getByRole('button', { name: 'Create token' }).click()
      await page.getByText('it is not shown again').waitFor()
      await look1('token-made')
      await page.goto(`${site.url}/account`)
      await page.getByLabel('Email of the account').fill('bob@red.test')
      await page.getByRole('button', { name: 'Create link' }).click()
      await page.getByText('It works once').waitFor()
      await look1('link-made')
      await page.goto(`${site.url}/organisations/red-team`)
      await page.getByLabel('Email').fill('eve@x.test')
      await page.getByRole('button', { name: 'Add member' }).click()
      await page.getByText('It works once').waitFor()
      await look1('invited')
      await page.goto(`${site.url}/organisations`)
      await page.getByLabel('Short name').fill('red-team')
      await page.getByRole('button', { name: 'Create organisation' }).click()
      await page.getByRole('alert').waitFor()
      await look1('refused')
      expect(complaints).toEqual([])
    })
  })

  test('a token is created and revoked by keyboard alone, after a confirmation', async () => {
    await using site = await startSite(peopleFixture())
    await using opened = await openSignedIn(site.url)
    const { page } = opened
    await page.goto(`${site.url}/account/tokens`)
    await page.getByLabel('Name').focus()
    await page.keyboard.type('from the keyboard')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Space')
    await page.keyboard.press('Enter')
    await page.getByText('it is not shown again').waitFor()
    expect(site.api.tokens[0]).toMatchObject({ name: 'from the keyboard', scopes: ['jobs:read'] })
    const secret = await page.locator('.note pre').textContent()
    expect(secret).toMatch(/^ty_/)

    await page.getByRole('button', { name: 'Revoke: from the keyboard' }).focus()
    await page.keyboard.press('Enter')
    expect(await focused(page)).toBe('Cancel')
    await page.keyboard.press('Escape')
    expect(await focused(page)).toBe('Revoke')
    expect(site.api.tokens).toHaveLength(3)
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.getByText('Token revoked').waitFor()
    expect(site.api.tokens.map(({ name }) => name)).toEqual(['nightly training', 'a very old script'])
    expect(await page.content()).not.toContain(secret)
  })

  test.each([true, false])('a forgotten password is reset by a link of an operator, scripts: %s', async (scripts) => {
    await using site = await startSite(peopleFixture())
    await using operator = await openSignedIn(site.url, { javaScriptEnabled: scripts })
    await operator.page.goto(`${site.url}/account`)
    await operator.page.getByLabel('Email of the account').fill('bob@red.test')
    await operator.page.getByRole('button', { name: 'Create link' }).click()
    const link = await operator.page.locator('.note pre').textContent()
    expect(link).toContain(`${site.url}/reset-password?code=`)

    await using visitor = await openIn(browser, { javaScriptEnabled: scripts })
    const { page } = visitor
    await page.goto(link ?? '')
    await page.getByLabel('New password').fill('a new one for Bob')
    await page.keyboard.press('Enter')
    await page.getByText('Password changed').waitFor()
    await page.getByLabel('Email').fill('bob@red.test')
    await page.getByLabel('Password').fill('a new one for Bob')
    await page.keyboard.press('Enter')
    await page.getByText('Bob', { exact: true }).waitFor()
    // The link works only once.
    await page.goto(link ?? '')
    await page.getByLabel('New password').fill('and yet another one')
    await page.keyboard.press('Enter')
    await page.getByRole('alert').waitFor()
    expect(site.api.people['bob@red.test']?.password).toBe('a new one for Bob')
  })

  test('a phone can open the account and sign out', async () => {
    await using site = await startSite(peopleFixture())
    await using opened = await openSignedIn(site.url, { viewport: { width: 360, height: 740 } })
    const { page } = opened
    await page.goto(site.url)
    await page.getByRole('banner').getByRole('link', { name: 'Account' }).click()
    await page.getByRole('button', { name: 'Sign out of this browser' }).click()
    await page.getByRole('link', { name: 'Sign in' }).waitFor()
  })
})
