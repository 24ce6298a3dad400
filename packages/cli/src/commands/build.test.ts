import { access, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createBaseLayout, createTrainerFolder, exampleManifest, startOciReceiver } from '@trainyard/client/testing'
import { startPackageIndex, whyNoEnvironments } from '@trainyard/environments/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { runCommand } from '../testing/run-command.ts'

const reason = await whyNoEnvironments()
if (reason !== undefined) console.warn(`SKIPPED: images with Python environments. ${reason}`)

let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'trainyard-build-'))
})
afterEach(() => rm(home, { recursive: true, force: true }))

/** Without programs of an engine in PATH. */
const build = (dir: string, args: string[], env: Record<string, string> = {}) =>
  runCommand(['build', dir, '--platform', 'linux/amd64', ...args], {
    env: { HOME: home, PATH: home, ...env },
    cwd: home,
  })

test.skipIf(reason !== undefined)('builds the same image twice, with its packages and without an engine', async () => {
  const index = await startPackageIndex()
  const hash = index.addWheel('alpha')
  const runtime = { python: '>=3.9', dependencies: 'requirements.txt' }
  await using folder = await createTrainerFolder({
    'trainer.json': JSON.stringify({ ...exampleManifest, runtime }),
    'requirements.txt': `alpha==1.0 --hash=${hash}\n`,
  })
  await using base = await createBaseLayout()
  const env = {
    PATH: process.env.PATH ?? '',
    UV_PATH: process.env.UV_PATH ?? '',
    PYTHON_INDEX_URL: index.url,
    UV_CACHE_DIR: join(home, 'uv'),
  }
  try {
    const args = ['--base', base.dir, '--no-engine', '--json']
    const first = await build(folder.dir, [...args, '--output', 'one'], env)
    expect(first.code, first.err + first.out).toBe(0)
    const second = await build(folder.dir, [...args, '--output', 'two'], env)
    const [one, two] = [JSON.parse(first.out), JSON.parse(second.out)]
    expect(two).toEqual({ ...one, output: join(home, 'two') })
    expect(one).toMatchObject({ name: 'acme/tiny', version: '1.2.0', output: join(home, 'one') })
    expect(await readFile(join(home, 'one/index.json'), 'utf8')).toContain(one.digest)

    const shown = await build(folder.dir, ['--base', base.dir, '--no-engine', '--output', 'one'], env)
    expect(shown.out).toBe(`acme/tiny:1.2.0@${one.digest}\n`)
    expect(shown.err).toContain('Installing the packages for Python 3.11.7 (/usr/local/bin/python3.11, glibc)')
    expect(shown.err).toContain('+ alpha==1.0')
    expect(shown.err).toMatch(/Layer: environment of requirements\.txt, \d+ files/)

    await writeFile(join(folder.dir, 'requirements.txt'), `no-such-package==1.0 --hash=${hash}\n`)
    const withoutEngine = ['--base', base.dir, '--no-engine', '--output', 'three']
    for (const more of [[], ['--quiet']]) {
      const missing = await build(folder.dir, [...withoutEngine, ...more], env)
      expect(missing.err).toContain('requirements.txt:1: the package "no-such-package" does not exist')
      expect(missing.err.match(/No solution found/g)).toHaveLength(1)
    }

    await writeFile(join(folder.dir, 'requirements.txt'), 'alpha==1.0\n')
    const unlocked = await build(folder.dir, withoutEngine, env)
    expect([unlocked.code, unlocked.err]).toEqual([3, expect.stringContaining('the packages are not locked by hashes')])
    // Before the base image is read, which takes long.
    expect(unlocked.err).not.toContain('Base image')
    // Nothing half made.
    await expect(access(join(home, 'three'))).rejects.toThrow('ENOENT')
  } finally {
    await index.close()
  }
})

test('pushes the image of a trainer without a Python environment, as its version', async () => {
  await using registry = await startOciReceiver('ty_right')
  registry.intercept = (request, response) => {
    if (!request.url?.startsWith('/v1/checks/chk_1')) return false
    const check = { id: 'chk_1', trainer: 'acme/tiny', version: '1.2.0', digest: `sha256:${'0'.repeat(64)}` }
    const done = { ...check, createdAt: '2026-11-20T09:30:00.000Z', state: 'published', checks: [] }
    if (!request.url.endsWith('/live')) response.end(JSON.stringify(done))
    else {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.end(`data: ${JSON.stringify({ type: 'check', check: done })}\n\n`)
    }
    return true
  }
  await using folder = await createTrainerFolder()
  await using base = await createBaseLayout({ files: ['usr/local/bin/node'], env: [] })
  const server = ['--url', registry.url, '--token', 'ty_right']
  const { code, out, err } = await build(folder.dir, ['--base', base.dir, '--push', ...server])
  expect([code, err]).toEqual([0, expect.stringContaining('sent: sha256:')])
  const manifest = registry.manifests.get('1.2.0')
  expect(out).toContain(`acme/tiny:1.2.0@${manifest?.digest}`)
  expect(JSON.parse(manifest?.body.toString() ?? '').layers).toHaveLength(2)
})

test('names what is missing: an engine, a base image, a Python, a fitting platform', async () => {
  await using folder = await createTrainerFolder()
  const runtime = { python: '>=3.9', dependencies: 'requirements.txt' }
  await using python = await createTrainerFolder({
    'trainer.json': JSON.stringify({ ...exampleManifest, runtime }),
    'requirements.txt': '',
  })
  await using base = await createBaseLayout({ files: ['usr/local/bin/node'] })
  await using arm = await createBaseLayout({ architecture: 'arm64' })
  const errorOf = async (dir: string, args: string[]) => (await build(dir, args)).err
  expect(await errorOf(folder.dir, ['--base', base.dir])).toContain(
    'no container engine answers ("docker version", "podman version"), so the image needs another place: use --output DIR, or --push',
  )
  expect(await errorOf(folder.dir, ['--no-engine', '--base', base.dir])).toContain(
    'without an engine the image needs another place: use --output DIR, or --push',
  )
  expect(await errorOf(folder.dir, ['--output', 'out'])).toContain('use --base IMAGE, such as node:24-bookworm-slim')
  expect(await errorOf(folder.dir, ['--output', 'out', '--base', 'no image'])).toContain(
    'the base image "no image" is neither a file nor the name of an image',
  )
  expect(await errorOf(python.dir, ['--output', 'out', '--base', base.dir])).toContain(
    `the base image ${base.dir} has no Python 3, which "runtime" of trainer.json requires`,
  )
  expect(await errorOf(folder.dir, ['--output', 'out', '--base', arm.dir])).toContain(
    `the base image ${arm.dir} is for linux/arm64: expected linux/amd64`,
  )
  expect(await readdir(home)).not.toContain('out')
})
