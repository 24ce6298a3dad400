import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync, gzipSync } from 'node:zlib'
import { makeTar, type TarEntrySpec } from '@trainyard/platform/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { UsageError } from './errors.ts'
import { type ValidateTargetOptions, validateTarget } from './validate-target.ts'

// Joined at run time, so that scanners of this repository do not report it.
const KEY_ID = ['AK', 'IAZ7QW3ERTY5UIOP2A'].join('')
const good = fileURLToPath(new URL('../fixtures/trainers/good', import.meta.url))
const trainerJson = await readFile(join(good, 'trainer.json'), 'utf8')

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'trainyard-target-test-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const digestOf = (bytes: Uint8Array) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`
const noEngine = { DOCKER_HOST: 'unix:///nowhere.sock' }
const validate = (target: string, more: Partial<ValidateTargetOptions> = {}) =>
  validateTarget({ target, env: noEngine, phases: ['static', 'security'], ...more })
const codes = async (target: string) =>
  (await validate(target)).checks.flatMap(({ findings }) => findings.map(({ code }) => code))

/** The files of an OCI layout with one image. */
function layoutOf(layers: readonly (readonly TarEntrySpec[])[], config: object = {}): Map<string, Uint8Array> {
  const blobs = new Map<string, Uint8Array>()
  const add = (bytes: Uint8Array, mediaType: string) => {
    blobs.set(`blobs/${digestOf(bytes).replace(':', '/')}`, bytes)
    return { mediaType, digest: digestOf(bytes), size: bytes.byteLength }
  }
  const tars = layers.map((entries) => makeTar(entries))
  const image = {
    os: 'linux',
    architecture: 'amd64',
    config: { User: '10001', Cmd: ['/train'], ...config },
    rootfs: { type: 'layers', diff_ids: tars.map(digestOf) },
  }
  const manifest = {
    schemaVersion: 2,
    config: add(Buffer.from(JSON.stringify(image)), 'application/vnd.oci.image.config.v1+json'),
    layers: tars.map((tar) => add(gzipSync(tar), 'application/vnd.oci.image.layer.v1.tar+gzip')),
  }
  const root = add(Buffer.from(JSON.stringify(manifest)), 'application/vnd.oci.image.manifest.v1+json')
  blobs.set('index.json', Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [root] })))
  blobs.set('oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}'))
  return blobs
}

async function writeArchive(files: ReadonlyMap<string, Uint8Array>, more: TarEntrySpec[] = []): Promise<string> {
  const file = join(dir, 'image.tar')
  await writeFile(file, makeTar([...[...files].map(([path, body]) => ({ path, body })), ...more]))
  return file
}

const MANIFEST = { path: 'trainer.json', body: trainerJson }

describe('an image archive', () => {
  test('with a good trainer passes its checks, and states what was not run', async () => {
    const report = await validate(await writeArchive(layoutOf([[{ path: 'bin/train', body: 'x' }], [MANIFEST]])), {
      phases: undefined,
    })
    expect(report.checks.map(({ name, status }) => [name, status])).toEqual([
      ['manifest', 'passed'],
      ['image', 'passed'],
      ['secrets', 'passed'],
      ['compliance', 'skipped'],
    ])
    expect(report.checks.at(-1)?.reason).toBe(
      'running an image needs Docker on this machine: no Docker engine answers at unix:///nowhere.sock',
    )
    expect(report).toMatchObject({ verdict: 'passed', trainer: { name: 'fixtures/nearest-colour' } })
  })

  test('fails where a required phase cannot run', async () => {
    const archive = await writeArchive(layoutOf([[MANIFEST]]))
    expect((await validate(archive, { phases: undefined, profile: 'ci' })).verdict).toBe('failed')
  })

  test('is searched in every layer, also in files that a later layer deletes', async () => {
    const archive = await writeArchive(
      layoutOf([[{ path: 'root/key.env', body: `id = ${KEY_ID}\n` }], [{ path: 'root/.wh.key.env' }, MANIFEST]]),
    )
    const { checks } = await validate(archive)
    expect(checks[2]?.findings).toMatchObject([{ code: 'TY301', file: '/root/key.env', line: 1 }])
    expect(checks[2]?.findings[0]?.layer).toMatch(/^sha256:/)
    expect(JSON.stringify(checks)).not.toContain(KEY_ID)
  })

  test.each([
    ['TY192', [[{ path: 'train.js', body: '' }]], {}],
    ['TY191', [[{ path: 'trainer.json', body: '{"name": 7}' }]], {}],
    ['TY292', [[{ path: '../escape', body: '' }, MANIFEST]], {}],
    ['TY294', [[MANIFEST]], { User: 'root' }],
    ['TY295', [[MANIFEST, { path: 'usr/bin/tool', body: 'x', mode: 0o4755 }]], {}],
    ['TY390', [[MANIFEST]], { Env: [`AWS_ID=${KEY_ID}`] }],
  ] as [string, TarEntrySpec[][], object][])('has the finding %s of the registry', async (code, layers, config) => {
    expect(new Set(await codes(await writeArchive(layoutOf(layers, config))))).toEqual(new Set([code]))
  })

  test('can be an unpacked layout, and can be compressed', async () => {
    const files = layoutOf([[MANIFEST]])
    for (const [path, bytes] of files) {
      await mkdir(dirname(join(dir, 'layout', path)), { recursive: true })
      await writeFile(join(dir, 'layout', path), bytes)
    }
    expect((await validate(join(dir, 'layout'))).trainer?.name).toBe('fixtures/nearest-colour')
    const archive = await writeArchive(files)
    await writeFile(`${archive}.gz`, gzipSync(await readFile(archive)))
    expect((await validate(`${archive}.gz`)).trainer?.name).toBe('fixtures/nearest-colour')
  })

  test('of an older docker save is read, also where layers are links to others', async () => {
    const layer = makeTar([MANIFEST])
    const other = makeTar([{ path: 'a', body: 'a' }])
    const config = { os: 'linux', architecture: 'amd64', config: { User: '1', Cmd: ['x'] } }
    const diffIds = [other, layer, other].map(digestOf)
    const saved = new Map<string, Uint8Array>([
      ['config.json', Buffer.from(JSON.stringify({ ...config, rootfs: { diff_ids: diffIds } }))],
      ['one/layer.tar', other],
      ['two/layer.tar', layer],
      [
        'manifest.json',
        Buffer.from(
          JSON.stringify([{ Config: 'config.json', Layers: ['one/layer.tar', 'two/layer.tar', 'three/layer.tar'] }]),
        ),
      ],
    ])
    const archive = await writeArchive(saved, [{ path: 'three/layer.tar', type: '2', linkName: '../one/layer.tar' }])
    expect(await codes(archive)).toEqual([])
  })

  test('with a layer that has other bytes than its digest is refused', async () => {
    const files = layoutOf([[MANIFEST]])
    for (const [path, bytes] of files)
      if (bytes[0] === 0x1f) files.set(path, gzipSync(Buffer.concat([gunzipSync(bytes), Buffer.alloc(512)])))
    const { checks } = await validate(await writeArchive(files))
    expect(checks[0]?.findings).toMatchObject([{ code: 'TY292', message: expect.stringContaining('missing') }])
    expect(checks[2]).toMatchObject({ status: 'skipped', reason: expect.stringContaining('not scanned') })
  })
})

test('a bundle is checked like its folder, without what its own ignore file hides', async () => {
  const entries = ['trainer.json', 'main.js', 'platform.js', 'png.js', 'LICENSE', 'README.md', 'package.json']
  const bodies = await Promise.all(
    entries.map(async (path) => ({ path: `./${path}`, body: await readFile(join(good, path)) })),
  )
  const hidden = [
    { path: './.trainyardignore', body: 'key.env\n' },
    { path: './key.env', body: `id = ${KEY_ID}\n` },
  ]
  await writeFile(join(dir, 'bundle.tgz'), gzipSync(makeTar([...bodies, ...hidden])))
  expect(await codes(join(dir, 'bundle.tgz'))).toEqual(['TY301'])
})

test.each([
  ['no-such-folder', 'the folder "no-such-folder" does not exist; of an image, give the tag too'],
  ['./no-such-folder', 'the folder "./no-such-folder" does not exist'],
  ['docker-daemon:acme/x:1', 'the container engine of this machine does not have the image acme/x:1'],
])('the target %s is wrong usage', async (target, message) => {
  await expect(validate(target)).rejects.toThrow(UsageError)
  await expect(validate(target)).rejects.toThrow(message)
})

test('a registry that does not answer is a failure of the tool, not of the trainer', async () => {
  await expect(validate('127.0.0.1:9/acme/x:1')).rejects.toThrow('127.0.0.1:9 does not answer')
})
