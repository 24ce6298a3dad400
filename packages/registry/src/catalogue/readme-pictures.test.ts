import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { MAX_README_PICTURE_BYTES } from '@trainyard/contract'
import { AddressList } from '@trainyard/platform'
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
const HOSTS: Record<string, (response: ServerResponse) => void> = {
  '/found.png': (response) => response.end(PNG),
  '/moved.png': (response) => response.writeHead(302, { location: '/found.png' }).end(),
  '/round.png': (response) => response.writeHead(302, { location: '/round.png' }).end(),
  // The metadata service of a cloud: redirects are checked, too.
  '/inside.png': (response) => response.writeHead(302, { location: 'http://169.254.169.254/latest' }).end(),
  '/badge.svg': (response) =>
    response.writeHead(200, { 'content-type': 'image/png' }).end('<svg><script>alert(1)</script></svg>'),
  '/large.png': (response) => response.end(Buffer.concat([PNG, Buffer.alloc(MAX_README_PICTURE_BYTES)])),
}
const seen: string[] = []
const host = createServer((request, response) => {
  seen.push(request.url ?? '')
  const answer = HOSTS[request.url ?? '']
  if (answer === undefined) response.writeHead(404).end()
  else answer(response)
})
const remote = (path: string) => `http://127.0.0.1:${(host.address() as AddressInfo).port}${path}`

let harness: Harness
let token: string
let isRejected = false

beforeAll(async () => {
  await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve))
  harness = await createHarness({
    config: { outboundAllow: new AddressList(['127.0.0.1']) },
    validate: (input) =>
      isRejected
        ? Promise.resolve(reportOf([{ name: 'compliance', status: 'failed', findings: [] }], input.onCheck))
        : passes(input),
  })
  await harness.registry.start()
  token = await harness.token(['push:acme'])
})
afterAll(async () => {
  await harness.close()
  await new Promise((resolve) => host.close(resolve))
})

async function push(
  version: string,
  readme = '![curve](docs/curve.png) ![evil](evil.png) ![no](https://127.0.0.2/x.png)',
) {
  const name = 'acme/pictures'
  const items = [
    { name: 'trainer.json', body: JSON.stringify(trainerManifest(name, version)) },
    { name: 'README.md', body: readme },
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
  for (const path of ['evil.png', 'secret.png', '../README.md', 'README.md', 'https://127.0.0.2/x.png'])
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

it('pictures on other servers are copied once, when the version is checked, if they are pictures', async () => {
  const paths = [...Object.keys(HOSTS), '/none.png']
  const readme = [...paths, '/found.png#again'].map((path) => `![x](${remote(path)})`).join('\n')
  expect((await push('2.0.0', readme)).state).toBe('published')
  expect(seen.filter((path) => path === '/round.png')).toHaveLength(4)
  const version = await (await harness.request('/v1/trainers/acme/pictures/versions/2.0.0')).json()
  expect(version.readmePictures).toEqual([remote('/found.png'), remote('/moved.png')])
  const before = seen.length
  const picture = await get('2.0.0', remote('/moved.png'))
  expect(Buffer.from(await picture.arrayBuffer())).toEqual(PNG)
  expect(picture.headers.get('content-type')).toBe('image/png')
  expect((await get('2.0.0', remote('/badge.svg'))).status).toBe(404)
  expect(seen).toHaveLength(before)
})

it('a rejected version makes the registry send no requests', async () => {
  const before = seen.length
  isRejected = true
  expect((await push('2.1.0', `![x](${remote('/found.png')})`)).state).toBe('rejected')
  isRejected = false
  expect(seen).toHaveLength(before)
})
