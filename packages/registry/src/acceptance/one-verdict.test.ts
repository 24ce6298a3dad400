import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { validateTarget } from '@trainyard/validator'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  createHarness,
  endOfCheck,
  type Harness,
  pushBundle,
  pushImage,
  reportOf,
  type TarItem,
  trainerManifest,
} from '../testing/harness.ts'
import type { ValidateFunction } from '../validation/validate.ts'

// Joined at run time, so that scanners of this repository do not report it.
const KEY_ID = ['AK', 'IAZ7QW3ERTY5UIOP2A'].join('')
const manifest = (name: string) => ({ name: 'trainer.json', body: JSON.stringify(trainerManifest(name, '1.0.0')) })

/** Of bundles, so that strangers never see one, however fast its check is. */
const rejects: ValidateFunction = async ({ onCheck }) =>
  reportOf([{ name: 'compliance', status: 'failed', findings: [] }], onCheck)

describe('the validator and the registry', () => {
  let harness: Harness
  let token: string
  let host: string
  let docker: string
  beforeAll(async () => {
    harness = await createHarness({ validate: rejects })
    await harness.registry.start()
    const server = await harness.listen()
    host = new URL(server.url).host
    token = await harness.token(['push:acme', 'pull:acme'])
    docker = await mkdtemp(join(tmpdir(), 'trainyard-docker-config-'))
    const auth = Buffer.from(`token:${token}`).toString('base64')
    await writeFile(join(docker, 'config.json'), JSON.stringify({ auths: { [host]: { auth } } }))
  })
  afterAll(async () => {
    await harness.close()
    await rm(docker, { recursive: true, force: true })
  })

  const env = () => ({ DOCKER_HOST: 'unix:///nowhere.sock', DOCKER_CONFIG: docker })
  const summary = (checks: readonly { name: string; findings: readonly { code: string; fingerprint: string }[] }[]) =>
    checks
      .filter(({ name }) => ['manifest', 'image', 'secrets'].includes(name))
      .map(({ name, findings }) => [name, findings.map(({ code, fingerprint }) => `${code} ${fingerprint}`).toSorted()])

  it.each([
    ['acme/clean', (name: string): TarItem[][] => [[{ name: 'bin/train', body: 'x' }], [manifest(name)]]],
    [
      'acme/key',
      (name: string) => [[{ name: 'key.env', body: `id = ${KEY_ID}\n` }], [{ name: '.wh.key.env' }, manifest(name)]],
    ],
    ['acme/empty', () => [[{ name: 'train.js', body: '' }]]],
    ['acme/wrong', () => [[{ name: 'trainer.json', body: '{"name": 7}' }]]],
    ['acme/odd', (name: string) => [[{ name: '../x', body: '' }, manifest(name)]]],
  ])('have the same findings in the image %s, with the same fingerprints', async (name, layers) => {
    const pushed = await pushImage(harness, { name, version: '1.0.0', token, layers: layers(name) })
    const { checks } = await endOfCheck(harness, token, pushed)
    const report = await validateTarget({ target: `${host}/${name}:1.0.0`, env: env(), profile: 'marketplace' })
    expect(summary(report.checks)).toEqual(summary(checks))
    const states = (all: typeof checks) =>
      all.filter(({ name: one }) => ['manifest', 'image', 'secrets'].includes(one)).map(({ status }) => status)
    expect(states(report.checks)).toEqual(states(checks))
  })

  it('read a bundle by its name, with what docker login stored', async () => {
    const pushed = await pushBundle(harness, { name: 'acme/bundle', version: '1.0.0', token })
    expect(pushed.status).toBe(201)
    expect((await endOfCheck(harness, token, pushed)).state).toBe('rejected')
    const options = { target: `${host}/acme/bundle:1.0.0`, phases: ['static' as const] }
    const report = await validateTarget({ ...options, env: env() })
    expect(report.trainer).toEqual({ name: 'acme/bundle', version: '1.0.0' })
    const stranger = { DOCKER_HOST: 'unix:///nowhere.sock', DOCKER_CONFIG: '/nowhere' }
    await expect(validateTarget({ ...options, env: stranger })).rejects.toThrow(`docker login ${host}`)
  })
})
