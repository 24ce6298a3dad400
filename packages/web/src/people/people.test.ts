import { describe, expect, test } from 'vitest'
import { createWeb } from '../index.ts'
import { createTestWeb } from '../testing/web.ts'

const people = { 'ada@red.test': { displayName: 'Ada <b>', password: 'correct horse battery' } }
const ADA = { cookie: 'trainyard_session=session-ada@red.test' }

function send(app: ReturnType<typeof createTestWeb>['app'], path: string, form: Record<string, string>, headers = {}) {
  return app.request(path, {
    method: 'POST',
    headers: { origin: 'http://localhost', ...headers },
    body: new URLSearchParams(form),
  })
}

describe('an anonymous visitor', () => {
  test.each(['a%0d%0ab', '%E2%82%AC', '%00', 'a%20b', 'x'.repeat(201)])(
    'a session that no server can have issued is none: %j',
    async (session) => {
      const { app } = createTestWeb()
      const cookie = `trainyard_session=${session}`
      for (const path of ['/', '/jobs', '/jobs/42', '/account', '/trainers/trainyard/tfjs-classifier'])
        expect([path, (await app.request(path, { headers: { cookie } })).status]).toEqual([
          path,
          expect.toBeOneOf([200, 303]),
        ])
    },
  )

  test('is asked to sign in where required, and returns to the same page', async () => {
    const { app } = createTestWeb({ people })
    const jobs = await app.request('/jobs?state=running')
    expect(jobs.status).toBe(303)
    expect(jobs.headers.get('location')).toBe('/sign-in?to=%2Fjobs%3Fstate%3Drunning')
    const page = await (await app.request('/sign-in?to=/jobs%3Fstate%3Drunning')).text()
    expect(page).toContain('name="to" value="/jobs?state=running"')
    const form = { email: 'ada@red.test', password: 'correct horse battery', to: '/jobs?state=running' }
    const signedIn = await send(app, '/sign-in', form)
    expect([signedIn.status, signedIn.headers.get('location')]).toEqual([303, '/jobs?state=running'])
    const cookie = signedIn.headers.get('set-cookie') ?? ''
    expect(cookie).toMatch(/^trainyard_session=session-ada/)
    for (const word of ['HttpOnly', 'SameSite=Lax', 'Path=/', 'Expires=']) expect(cookie).toContain(word)
    expect(cookie).not.toContain('Secure')
  })

  test('sees the marketplace and a sign-in link', async () => {
    const { app } = createTestWeb({ people })
    const page = await app.request('/')
    expect(page.status).toBe(200)
    expect(await page.text()).toContain('href="/sign-in?to=%2F"')
  })

  test('is never redirected to another site', async () => {
    const { app } = createTestWeb({ people })
    const form = { email: 'ada@red.test', password: 'correct horse battery', to: '//evil.test/' }
    expect((await send(app, '/sign-in', form)).headers.get('location')).toBe('/')
    expect(await (await app.request('/sign-in?to=https://evil.test')).text()).toContain('name="to" value="/"')
  })

  test('sees what was wrong; the form keeps the email but not the password', async () => {
    const { app } = createTestWeb({ people })
    const refused = await send(app, '/sign-in', { email: 'ada@red.test', password: 'wrong password', to: '/jobs' })
    expect(refused.status).toBe(401)
    expect(refused.headers.get('set-cookie')).toBeNull()
    const html = await refused.text()
    expect(html).toContain('role="alert"')
    expect(html).toContain('The email or the password is wrong')
    expect(html).toContain('value="ada@red.test"')
    expect(html).not.toContain('wrong password')
  })

  test('creates an account, and learns nothing about the email of another', async () => {
    const { app, api } = createTestWeb({ people: { ...people } })
    const form = { email: 'bob@blue.test', password: 'battery staple horse', displayName: '', to: '/jobs' }
    const made = await send(app, '/sign-up', form)
    expect([made.status, made.headers.get('location')]).toEqual([303, '/sign-in?done=sign-up&to=%2Fjobs'])
    expect(api.people).toHaveProperty(['bob@blue.test'])
    const taken = await send(app, '/sign-up', { ...form, email: 'ada@red.test' })
    expect([taken.status, [...taken.headers]]).toEqual([made.status, [...made.headers]])
    expect(await (await app.request('/sign-in?done=sign-up')).text()).toContain('Sign in with your new account')
    const short = await send(app, '/sign-up', { ...form, email: 'x@y.test', password: 'short' })
    expect(short.status).toBe(400)
    expect(await short.text()).toContain('at least 10 characters')
  })

  test('finds no form where sign-up is closed, not even as an operator', async () => {
    const { app, api } = createTestWeb({ people: { ...people }, signUp: 'closed' })
    for (const headers of [{}, ADA]) {
      const html = await (await app.request('/sign-up', { headers })).text()
      expect(html).toContain('Sign-up is closed')
      expect(html).not.toContain('name="password"')
      const form = { email: 'bob@blue.test', password: 'battery staple horse' }
      expect((await send(app, '/sign-up', form, headers)).status).toBe(403)
    }
    expect(api.people).not.toHaveProperty(['bob@blue.test'])
    expect(await (await app.request('/sign-in')).text()).not.toContain('/sign-up')
  })

  test('creates the first account with the secret of the printed link', async () => {
    const { app, api } = createTestWeb({ people: { ...people }, signUp: 'setup' })
    expect(await (await app.request('/sign-up?setup=ty_setup')).text()).toMatch(
      /name="setupSecret"[^>]*value="ty_setup"/,
    )
    const form = { email: 'bob@blue.test', password: 'battery staple horse', to: '/' }
    const refused = await send(app, '/sign-up', { ...form, setupSecret: 'ty_other' })
    expect(refused.status).toBe(403)
    expect(await refused.text()).toContain('not the set-up secret')
    expect((await send(app, '/sign-up', { ...form, setupSecret: ' ty_setup ' })).status).toBe(303)
    expect(api.people).toHaveProperty(['bob@blue.test'])
  })

  test('is told when to try again, and is known by a device that a sign-out does not forget', async () => {
    const { app, api } = createTestWeb({ people })
    const form = { email: 'ada@red.test', password: 'correct horse battery', to: '/' }
    const limited = await send(app, '/sign-in', { ...form, password: 'limited password' })
    expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '840'])
    const device =
      (await send(app, '/sign-in', form)).headers.getSetCookie().find((one) => one.includes('device')) ?? ''
    expect(device).toMatch(/^trainyard_device=device-ada/)
    for (const word of ['HttpOnly', 'SameSite=Lax', 'Path=/', 'Expires=']) expect(device).toContain(word)
    const out = await send(app, '/sign-out', {}, ADA)
    expect(out.headers.getSetCookie().join()).not.toContain('trainyard_device')
    const cookie = device.split(';')[0] ?? ''
    await send(app, '/sign-in', form, { cookie })
    expect(api.devices).toEqual([undefined, undefined, decodeURIComponent(cookie.split('=')[1] ?? '')])
    // A cookie of nonsense is not a reason to refuse the form.
    expect((await send(app, '/sign-in', form, { cookie: `trainyard_device=${'x'.repeat(2000)}` })).status).toBe(303)
  })
})

describe('a signed-in user', () => {
  test('is named on every page, as text, and identified by the session', async () => {
    const { app } = createTestWeb({ people })
    const html = await (await app.request('/jobs', { headers: ADA })).text()
    expect(html).toContain('Ada &lt;b&gt;')
    expect(html).toContain('action="/sign-out"')
  })

  test('signs out by our own form only', async () => {
    const { app, api } = createTestWeb({ people })
    expect((await send(app, '/sign-out', {}, { ...ADA, origin: 'http://evil.test' })).status).toBe(403)
    const out = await send(app, '/sign-out', {}, ADA)
    expect(out.status).toBe(303)
    expect(out.headers.get('set-cookie')).toMatch(/^trainyard_session=; Max-Age=0/)
    expect(api.requests).toContain('DELETE /v1/sessions/current')
  })

  test('with an expired session is anonymous, without a redirect loop', async () => {
    const { app } = createTestWeb({ people })
    const over = await app.request('/jobs/42', { headers: { cookie: 'trainyard_session=old' } })
    expect([over.status, over.headers.get('location')]).toEqual([303, '/jobs/42'])
    expect(over.headers.get('set-cookie')).toMatch(/^trainyard_session=; Max-Age=0/)
    expect((await app.request('/jobs/42')).headers.get('location')).toBe('/sign-in?to=%2Fjobs%2F42')
  })

  test('has a secure cookie over TLS', async () => {
    const { app } = createTestWeb({ people })
    const form = { email: 'ada@red.test', password: 'correct horse battery', to: '/' }
    const signedIn = await send(app, '/sign-in', form, { 'x-forwarded-proto': 'https' })
    expect(signedIn.headers.get('set-cookie')).toContain('Secure')
  })
})

describe('a server that belongs to its local owner', () => {
  const state = { people, auth: 'local', signUp: 'closed' } as const

  test('signs a browser in by a link, once', async () => {
    const { app } = createTestWeb({ ...state, codes: ['ty_code'] })
    const opened = await app.request('/open?code=ty_code&to=/jobs/7')
    expect([opened.status, opened.headers.get('location')]).toEqual([303, '/jobs/7'])
    expect(opened.headers.get('set-cookie')).toMatch(/^trainyard_session=session-owner/)
    expect(opened.headers.get('cache-control')).toBe('no-store')
    const again = await app.request('/open?code=ty_code')
    expect([again.status, again.headers.get('set-cookie')]).toEqual([401, null])
    expect(await again.text()).toContain('npm start -- --link')
    // A browser that is signed in opens the page whether the link was used or not.
    expect((await app.request('/open?code=ty_code&to=/jobs', { headers: ADA })).headers.get('location')).toBe('/jobs')
    const { app: other } = createTestWeb({ ...state, codes: ['ty_code'] })
    expect((await other.request('/open?code=ty_code&to=//evil.test')).headers.get('location')).toBe('/')
  })

  test('says which command prints a link, and has no password', async () => {
    const { app } = createTestWeb({ ...state, codes: [] })
    expect((await app.request('/jobs')).headers.get('location')).toBe('/sign-in?to=%2Fjobs')
    for (const path of ['/sign-in', '/sign-up']) {
      const html = await (await app.request(path)).text()
      for (const words of ['npm start -- --link', 'trainyard open']) expect(html).toContain(words)
      expect(html).not.toContain('name="password"')
    }
  })
})

test('the servers receive the session, the address and the host name', async () => {
  const seen: Headers[] = []
  const { api } = createTestWeb()
  const { app } = createWeb({
    registryUrl: 'http://registry.test',
    runnerUrl: 'http://runner.test',
    pagesSecret: 'a secret of the pages',
    fetch: async (input, init) => {
      seen.push(new Headers(init?.headers))
      return await api.fetch(input, init)
    },
  })
  const bindings = { incoming: { socket: { remoteAddress: '203.0.113.7' } } }
  await app.request('/jobs', { headers: { ...ADA, host: 'pages.test', 'x-forwarded-for': '198.51.100.2' } }, bindings)
  const [first] = seen
  expect(first?.get('authorization')).toBe('Bearer session-ada@red.test')
  expect(first?.get('x-forwarded-host')).toBe('pages.test')
  expect(first?.get('x-forwarded-for')).toBe('198.51.100.2, 203.0.113.7')
  expect(first?.get('x-trainyard-pages')).toBe('a secret of the pages')
})
