import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { createTestWeb } from '../testing/web.ts'
import { OpenApiDocument, readOperations } from './operations.ts'

const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../../../docs/openapi/${name}.json`, import.meta.url), 'utf8'))
const documents = ['runner', 'registry'].map((name) => OpenApiDocument.parse(read(name)))

test('every operation of both servers is read once, with its parameters and an example of its body', () => {
  const operations = readOperations(documents)
  const keys = operations.map(({ method, path }) => `${method} ${path}`)
  expect(new Set(keys).size).toBe(keys.length)
  expect(keys).toEqual(expect.arrayContaining(['POST /v1/jobs', 'GET /v1/trainers', 'GET /v1/jobs/{id}']))
  const create = operations.find(({ method, path }) => method === 'POST' && path === '/v1/jobs')
  expect(create).toMatchObject({ tag: 'Jobs', body: { contentType: 'application/json' } })
  expect(Object.keys(JSON.parse(create?.body?.example ?? ''))).toContain('trainer')
  const get = operations.find(({ method, path }) => method === 'GET' && path === '/v1/jobs/{id}')
  expect(get?.parameters).toMatchObject([{ name: 'id', in: 'path', isRequired: true }])
  const unnamed = operations.flatMap(({ path, parameters }) =>
    [...path.matchAll(/\{(\w+)\}/g)].flatMap(([, name]) =>
      parameters.some((each) => each.in === 'path' && each.name === name) ? [] : [`${path}: ${name}`],
    ),
  )
  expect(unnamed).toEqual([])
})

test('the page shows the operations of one part, with a form each, and its policy allows nothing more', async () => {
  const { app } = createTestWeb()
  const response = await app.request('/openapi?tag=catalogue')
  expect(response.status).toBe(200)
  expect(response.headers.get('content-security-policy')).toContain("script-src 'self'")
  const html = await response.text()
  expect(html).toContain('data-path="/v1/trainers"')
  expect(html).not.toContain('data-path="/v1/jobs"')
  expect(html).toContain('aria-current="page">catalogue</a>')
  const unknown = await app.request('/openapi?tag=%3Cscript%3E')
  expect(await unknown.text()).not.toContain('<script>&')
})

test('the documents of both servers are served beside the page', async () => {
  const { app } = createTestWeb()
  for (const name of ['runner', 'registry']) {
    const response = await app.request(`/openapi/${name}.json`)
    expect(response.headers.get('content-type')).toContain('application/json')
    expect(OpenApiDocument.parse(await response.json()).paths).not.toEqual({})
  }
})
