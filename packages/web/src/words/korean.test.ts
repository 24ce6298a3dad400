import { PROBLEMS, TrustTier } from '@trainyard/contract'
import { formatTier } from '@trainyard/contract/format'
import { expect, test } from 'vitest'
import { filesOfScripts, readTextsInCode } from '../testing/texts-in-code.ts'
import { createTestWeb } from '../testing/web.ts'
import { KOREAN } from './korean.ts'
import { KOREAN_IN_BROWSER } from './korean-in-browser.ts'

const code = readTextsInCode()

test('every text of the pages has its Korean', () => {
  expect(code.translated.length).toBeGreaterThan(700)
  const missing = code.translated.filter(({ text }) => !Object.hasOwn(KOREAN, text))
  expect(missing.map(({ file, line, text }) => `${file}:${line}: "${text}" is not in words/korean.ts`)).toEqual([])
})

test('no text reaches a page without its catalogue', () => {
  expect(code.bare.map(({ file, line, text }) => `${file}:${line}: "${text}" does not pass t()`)).toEqual([])
})

/** Titles of problems come from the servers, and names of tiers from the contract. */
const FROM_OUTSIDE = new Set([
  ...Object.values(PROBLEMS).map(({ title }) => title),
  ...TrustTier.options.map((tier) => formatTier(tier)),
])

test('the catalogue has no text that no page shows', () => {
  const unused = Object.keys(KOREAN).filter((text) => !code.strings.has(text) && !FROM_OUTSIDE.has(text))
  expect(unused).toEqual([])
})

test('every title of a problem has its Korean', () => {
  expect([...FROM_OUTSIDE].filter((text) => !Object.hasOwn(KOREAN, text))).toEqual([])
})

test('a translation has the placeholders of its text', () => {
  const placeholders = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(String).toSorted()
  for (const [text, korean] of Object.entries(KOREAN))
    expect([text, placeholders(korean)]).toEqual([text, placeholders(text)])
})

test('the scripts of a Korean page have their texts', () => {
  const files = filesOfScripts()
  expect(files).toContain('format.ts')
  const missing = code.translated.filter(({ file, text }) => files.has(file) && !Object.hasOwn(KOREAN_IN_BROWSER, text))
  expect(missing.map(({ file, text }) => `${file}: "${text}" is not in words/korean-in-browser.ts`)).toEqual([])
})

const open = (path: string, headers: Record<string, string>) => createTestWeb().app.request(path, { headers })

test.each([
  [{ 'accept-language': 'ko-KR,ko;q=0.9,en;q=0.8' }, 'ko'],
  [{ 'accept-language': 'de,en;q=0.5' }, 'en'],
  [{ 'accept-language': 'fr' }, 'en'],
  [{}, 'en'],
  [{ 'accept-language': 'en', cookie: 'trainyard_language=ko' }, 'ko'],
  [{ 'accept-language': 'ko', cookie: 'trainyard_language=en' }, 'en'],
  [{ 'accept-language': 'ko', cookie: 'trainyard_language=%00' }, 'ko'],
])('a browser with %o gets the language %s', async (headers, language) => {
  const response = await open('/jobs/42', headers)
  const html = await response.text()
  expect(html).toContain(`<html lang="${language}">`)
  expect(response.headers.get('content-language')).toBe(language)
  expect(response.headers.get('vary')).toContain('Accept-Language')
  expect(html.includes('korean-')).toBe(language === 'ko')
  expect(html).toContain(language === 'ko' ? '<a href="/datasets">데이터셋</a>' : '<a href="/datasets">Datasets</a>')
})

test('two requests at the same time have a language each', async () => {
  const { app } = createTestWeb()
  const pages = await Promise.all(
    ['ko', 'en', 'ko', 'en'].map(async (language) => {
      const response = await app.request('/jobs', { headers: { 'accept-language': language } })
      return /<h1>([^<]*)/.exec(await response.text())?.[1]
    }),
  )
  expect(pages).toEqual(['작업', 'Jobs', '작업', 'Jobs'])
})

test('the switch in the footer keeps the language, and returns to the page', async () => {
  const { app } = createTestWeb()
  const html = await (await app.request('/jobs?state=running')).text()
  expect(html).toContain('name="to" value="/jobs?state=running"')
  expect(html).toContain('<button class="quiet" type="submit" name="language" value="ko" lang="ko">한국어</button>')
  const send = (body: Record<string, string>) =>
    app.request('/language', {
      method: 'POST',
      body: new URLSearchParams(body),
      headers: { origin: 'http://localhost', 'sec-fetch-site': 'same-origin' },
    })
  const response = await send({ language: 'ko', to: '/jobs?state=running' })
  expect(response.status).toBe(303)
  expect(response.headers.get('location')).toBe('/jobs?state=running')
  expect(response.headers.get('set-cookie')).toMatch(/^trainyard_language=ko; .*Path=\/; HttpOnly; SameSite=Lax/)
  expect((await send({ language: 'ko', to: '//evil.test' })).headers.get('location')).toBe('/')
  expect((await send({ language: 'xx' })).headers.get('set-cookie')).toContain('trainyard_language=en')
})

test('pages of problems are Korean, too', async () => {
  const response = await open('/nowhere', { 'accept-language': 'ko' })
  expect(response.status).toBe(404)
  expect(await response.text()).toContain('<h1>페이지를 찾을 수 없습니다</h1>')
})

test('times and numbers are written in Korean', async () => {
  const html = await (await open('/jobs/42', { 'accept-language': 'ko' })).text()
  expect(html).toContain('>5분 전</time>')
})

test.each(['/jobs/42/live', '/jobs/live?ids=42'])('what %s sends is Korean, too', async (path) => {
  const response = await open(path, { 'accept-language': 'ko' })
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  while (!text.includes('job-timings')) {
    const chunk = await reader?.read()
    if (chunk === undefined || chunk.done) throw new Error(`The stream ended: ${text}`)
    text += chunk.value
  }
  await reader?.cancel()
  expect(text).toContain('실행 중')
  expect(text).not.toContain('Running')
})

test('words of the API are Korean on the page, and stay English where commands take them', async () => {
  const html = await (await open('/jobs/42', { 'accept-language': 'ko' })).text()
  expect(html).toMatch(/<dd>학습, 분류<\/dd>/)
  expect(html).toContain('<option value="warning">경고</option>')
})
