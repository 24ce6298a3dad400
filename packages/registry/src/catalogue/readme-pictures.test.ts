import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  createHarness,
  endOfCheck,
  type Harness,
  passes,
  pushBundle,
  reportOf,
  trainerManifest,
} from '../testing/harness.ts'

const PNG = Buffer.from('\u0089PNG\r\n\u001a\n and so on', 'latin1')
let harness: Harness
let token: string
let isRejected = false

beforeAll(async () => {
  harness = await createHarness({
    validate: (input) =>
      isRejected
        ? Promise.resolve(reportOf([{ name: 'compliance', status: 'failed', findings: [] }], input.onCheck))
        : passes(input),
  })
  await harness.registry.start()
  token = await harness.token(['push:acme'])
})
afterAll(() => harness.close())

async function push(version: string) {
  const name = 'acme/pictures'
  const items = [
    { name: 'trainer.json', body: JSON.stringify(trainerManifest(name, version)) },
    { name: 'README.md', body: '![curve](docs/curve.png) ![evil](evil.png) ![other](https://a.example/x.png)' },
    { name: 'docs/curve.png', body: new Uint8Array(PNG) },
    { name: 'evil.png', body: '<svg><script>alert(1)</script></svg>' },
    { name: 'secret.png', body: new Uint8Array(PNG) },
  ]
  return await endOfCheck(harness, token, await pushBundle(harness, { name, version, token, items }))
}

const get = (version: string, path: string, as?: string) =>
  harness.request(`/v1/trainers/acme/pictures/versions/${version}/readme-picture?path=${encodeURIComponent(path)}`, {
    token: as,
  })

it('the pictures of the trainer that its README shows are served, as pictures only', async () => {
  expect((await push('1.0.0')).state).toBe('published')
  const version = await (await harness.request('/v1/trainers/acme/pictures/versions/1.0.0')).json()
  expect(version.readmePictures).toEqual(['docs/curve.png'])
  const picture = await get('1.0.0', 'docs/curve.png')
  expect(Buffer.from(await picture.arrayBuffer())).toEqual(PNG)
  expect(picture.headers.get('content-type')).toBe('image/png')
  expect(picture.headers.get('x-content-type-options')).toBe('nosniff')
  expect(picture.headers.get('content-security-policy')).toContain('sandbox')
  for (const path of ['evil.png', 'secret.png', '../README.md', 'README.md', 'https://a.example/x.png'])
    expect([path, (await get('1.0.0', path)).status]).toEqual([path, 404])
})

it('the pictures of a rejected version are for its owner, and those of the next push replace them', async () => {
  isRejected = true
  expect((await push('1.1.0')).state).toBe('rejected')
  expect((await get('1.1.0', 'docs/curve.png')).status).toBe(404)
  expect((await get('1.1.0', 'docs/curve.png', token)).status).toBe(200)
  isRejected = false
  expect((await push('1.1.0')).state).toBe('published')
  expect((await get('1.1.0', 'docs/curve.png')).status).toBe(200)
})
