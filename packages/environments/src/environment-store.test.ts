import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { TrainerManifest } from '@trainyard/contract'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { folderBytes } from './build/watch-space.ts'
import { EnvironmentStore, type EnvironmentStoreOptions } from './environment-store.ts'
import { EnvironmentError } from './errors.ts'
import { findUv } from './find-uv.ts'
import { type PackageIndex, startPackageIndex } from './testing/package-index.ts'
import { whyNoEnvironments } from './testing/uv.ts'

const run = promisify(execFile)
const reason = await whyNoEnvironments()
if (reason !== undefined) console.warn(`SKIPPED: Python environments. ${reason}`)

describe.skipIf(reason !== undefined)('an environment', () => {
  let index: PackageIndex
  let dir: string
  beforeAll(async () => {
    index = await startPackageIndex()
    index.addWheel('alpha', { requires: ['beta>=1'] })
    index.addWheel('beta')
    index.addWheel('beta', { version: '0.5' })
    index.addWheel('gamma', { requires: ['beta<1'] })
  })
  afterAll(() => index.close())
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'trainyard-environments-'))
    await mkdir(join(dir, 'trainer'))
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  const variables = () => ({
    ...process.env,
    PYTHON_INDEX_URL: index.url,
    UV_CACHE_DIR: join(dir, 'cache'),
    UV_HTTP_RETRIES: '0',
  })
  const open = (over: Partial<EnvironmentStoreOptions> = {}) =>
    new EnvironmentStore({ dir: join(dir, 'store'), env: variables(), minFreeBytes: 0, ...over })
  const manifest = (runtime: TrainerManifest['runtime'] = { python: '>=3.9', dependencies: 'requirements.txt' }) => ({
    runtime,
    entrypoints: { train: ['python', 'train.py'] },
  })
  const write = (files: Record<string, string>) =>
    Promise.all(Object.entries(files).map(([name, text]) => writeFile(join(dir, 'trainer', name), text)))
  const prepare = (store = open(), runtime?: TrainerManifest['runtime']) =>
    store.prepare(join(dir, 'trainer'), manifest(runtime))
  const failure = async (files: Record<string, string>, runtime?: TrainerManifest['runtime'], store = open()) => {
    await write(files)
    const error = await prepare(store, runtime).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    if (!(error instanceof EnvironmentError)) throw new Error(`expected an EnvironmentError, got ${String(error)}`)
    // Nothing half made.
    expect(await readdir(join(dir, 'store')).catch(() => [])).toEqual([])
    return error
  }
  const importAll = async (environment: { dir: string } | undefined, code: string) =>
    (await run(join(environment?.dir ?? '', 'bin', 'python'), ['-c', code])).stdout.trim()

  it('has what requirements.txt names and what those packages need, once for all jobs', async () => {
    await write({ 'requirements.txt': 'alpha\n' })
    const store = open()
    const release = index.hold()
    const lines: string[] = []
    const both = [
      prepare(store),
      store.prepare(join(dir, 'trainer'), manifest(), { onLine: (line) => lines.push(line) }),
    ]
    release()
    const [one, other] = await Promise.all(both)
    expect(one).toEqual(other)
    expect(await importAll(one, 'import alpha, beta; print(alpha.version, beta.version)')).toBe('1.0 1.0')
    expect(lines.join('\n')).toMatch(
      /Preparing the Python environment of requirements.txt[\s\S]*alpha==1.0[\s\S]*ready after/,
    )
    const before = index.requests.length
    expect(await prepare(open())).toEqual(one)
    expect(index.requests.length).toBe(before)
    expect(await readdir(join(dir, 'store'))).toEqual([one?.key])
  })

  it.each([
    ['pyproject.toml', { 'pyproject.toml': '[project]\nname = "x"\nversion = "1"\ndependencies = ["alpha"]\n' }],
    [
      'inline',
      { 'train.py': '# /// script\n# requires-python = ">=3.9"\n# dependencies = ["alpha"]\n# ///\nprint(1)\n' },
    ],
  ] as const)('is made from %s', async (dependencies, files) => {
    await write(files)
    const environment = await prepare(open(), { python: '>=3.9', dependencies })
    expect(await importAll(environment, 'import alpha; print(alpha.version)')).toBe('1.0')
  })

  it('is made from uv.lock without resolving again', async () => {
    await write({
      'pyproject.toml': '[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.9"\ndependencies = ["alpha"]\n',
    })
    await run((await findUv()).path, ['lock', '--quiet'], {
      cwd: join(dir, 'trainer'),
      env: { ...variables(), UV_DEFAULT_INDEX: index.url },
    })
    const environment = await prepare(open(), { python: '>=3.9', dependencies: undefined })
    expect(environment?.file).toBe('uv.lock')
    expect(await importAll(environment, 'import alpha; print(alpha.version)')).toBe('1.0')
  })

  it('is not needed without "runtime"', async () => {
    expect(await open().prepare(join(dir, 'trainer'), { ...manifest(), runtime: undefined })).toBeUndefined()
  })

  it('says which Pythons exist when none fits', async () => {
    const error = await failure(
      { 'requirements.txt': 'alpha\n' },
      { python: '>=3.99', dependencies: 'requirements.txt' },
    )
    expect(error.message).toMatch(
      /^trainer.json: "runtime.python" requires Python >=3.99, but this machine has Python 3\.\d+/,
    )
  })

  it.each([
    [
      'that contradict each other',
      'beta>=1\ngamma==1.0\n',
      'unresolvable',
      /^requirements.txt:\d: .*contradict each other\n[\s\S]*beta<1/,
    ],
    [
      'of a package that does not exist',
      '# first\nalpha\nno-such-pkg==1\n',
      'unresolvable',
      /^requirements.txt:3: the package "no-such-pkg" does not exist/,
    ],
    [
      'of a version that does not exist',
      'alpha==9\n',
      'unresolvable',
      /^requirements.txt:1: the package index has no such version of "alpha"/,
    ],
    [
      'that cannot be read',
      'beta\nalpha=>1\n',
      'dependencies_invalid',
      /^requirements.txt:2: the file cannot be read\n[\s\S]*=>/,
    ],
    [
      'with a wrong hash',
      `beta==1.0 --hash=sha256:${'0'.repeat(64)}\n`,
      'hash_mismatch',
      /^requirements.txt:1: the file of "beta" on the index has another hash/,
    ],
    ['with hashes for some', `alpha==1.0 --hash=sha256:${'0'.repeat(64)}\n`, 'hash_mismatch', /"beta" has no hash/],
    [
      'that are a folder',
      'beta\n-e ./other\n',
      'dependencies_invalid',
      /^requirements.txt:2: "-e .\/other" is a folder/,
    ],
    [
      'that are a repository',
      'x @ git+https://example.com/x.git\n',
      'dependencies_invalid',
      /^requirements.txt:1: .* is a repository/,
    ],
    [
      'outside of the folder',
      '-r ../secret.txt\n',
      'dependencies_invalid',
      /^requirements.txt:1: "..\/secret.txt" is outside/,
    ],
  ])('refuses dependencies %s, with package and line', async (_, text, code, message) => {
    const error = await failure({ 'requirements.txt': text })
    expect(error.message).toMatch(message)
    expect(error.code).toBe(code)
    expect(error.message).not.toContain('.draft-')
  })

  it('names a missing file, and asks which of several is meant', async () => {
    const missing = await failure({}, { python: '>=3.9', dependencies: 'uv.lock' })
    expect(missing.message).toMatch(/^trainer.json: .*needs uv.lock, which does not exist/)
    const none = await failure({}, { python: '>=3.9' })
    expect(none.message).toMatch(/names no file of dependencies, and the folder does not have one/)
    const several = await failure({ 'requirements.txt': '', 'pyproject.toml': '' }, { python: '>=3.9' })
    expect(several.message).toMatch(/the folder has requirements.txt and pyproject.toml: name the one/)
  })

  it('needs an index that answers', async () => {
    const env = { ...variables(), PYTHON_INDEX_URL: 'http://127.0.0.1:9/' }
    const error = await failure({ 'requirements.txt': 'alpha\n' }, undefined, open({ env }))
    expect([error.code, error.isTransient]).toEqual(['index_unreachable', true])
    expect(error.message).toMatch(/^requirements.txt: the package index does not answer \(http:\/\/127.0.0.1:9\)/)
  })

  it('does not wait for a compiler that does not exist', async () => {
    index.addSource(
      'needs-cc',
      'import subprocess\ndef build_wheel(*_):\n    subprocess.run(["no-such-cc"], check=True)\n',
    )
    const error = await failure({ 'requirements.txt': 'beta\nneeds-cc\n' })
    expect(error.message).toMatch(/^requirements.txt:2: "needs-cc" has no wheel.* needs the compiler "no-such-cc"/)
  })

  it('ends when it becomes larger than the limit', async () => {
    index.addWheel('huge', { files: { 'huge/__init__.py': '', 'huge/x.bin': randomBytes(24_000_000) } })
    index.addSource('slow', 'import time\ndef build_wheel(*_):\n    time.sleep(60)\n')
    const error = await failure({ 'requirements.txt': 'huge\n' }, undefined, open({ maxBytes: 10e6 }))
    expect(error.code).toBe('no_space')
    expect(error.message).toMatch(/^requirements.txt:1: .*needs more space than there is: .* the limit is 10/)
    expect(error.message).toMatch(/The largest package is "huge", with a download of \d/)
  })

  it('is not begun on a full disk', async () => {
    const error = await failure({ 'requirements.txt': 'beta\n' }, undefined, open({ minFreeBytes: 1e18 }))
    expect(error.message).toMatch(/no environment can be made: .* has only .* left/)
  })

  it('has a time limit, and stops when no one waits for it any more', async () => {
    index.addSource('sleeps', 'import time\ndef build_wheel(*_):\n    time.sleep(600)\n')
    const slow = await failure({ 'requirements.txt': 'sleeps\n' }, undefined, open({ timeoutMs: 1000 }))
    expect(slow.message).toMatch(/was not ready after 1 s/)
    const store = open()
    const abort = new AbortController()
    const waiting = store.prepare(join(dir, 'trainer'), manifest(), {
      signal: abort.signal,
      onLine: (line) => line.includes('Building') && abort.abort(new Error('cancelled')),
    })
    await expect(waiting).rejects.toThrow('cancelled')
    expect(await readdir(join(dir, 'store'))).toEqual([])
  })

  it('leaves nothing half made after kill -9, and the next program makes it', async () => {
    await write({ 'requirements.txt': 'alpha\n' })
    const release = index.hold()
    const program = `import { EnvironmentStore } from ${JSON.stringify(join(import.meta.dirname, 'index.ts'))}
      await new EnvironmentStore({ dir: process.argv[1], minFreeBytes: 0 }).prepare(process.argv[2], ${JSON.stringify(manifest())})`
    const child = spawn(
      process.execPath,
      ['--conditions=trainyard-source', '--input-type=module', '-e', program, join(dir, 'store'), join(dir, 'trainer')],
      { env: variables(), stdio: 'inherit' },
    )
    const ended = new Promise((resolve) => child.once('exit', resolve))
    await expect
      .poll(async () => (await readdir(join(dir, 'store')).catch(() => [])).length, { timeout: 60_000 })
      .toBe(1)
    child.kill('SIGKILL')
    await ended
    release()
    const environment = await prepare()
    expect(await readdir(join(dir, 'store'))).toEqual([environment?.key])
    expect(await importAll(environment, 'import alpha; print(1)')).toBe('1')
  })

  it('makes room for new ones: the least recently used goes first, those in use stay', async () => {
    const keysInUse = new Set<string>()
    const keys: string[] = []
    for (const name of ['alpha', 'beta', 'alpha==1.0', 'beta==1.0']) {
      await write({ 'requirements.txt': `${name}\n` })
      const environment = await prepare(open({ maxBytes: 1e9, keysInUse: async () => keysInUse }))
      keys.push(environment?.key ?? '')
    }
    const [oldest = '', second = '', third = '', newest = ''] = keys
    for (const [age, key] of [oldest, second, third].entries()) {
      const usedAt = new Date(Date.now() - (10 - age) * 600_000)
      await utimes(join(dir, 'store', key, 'environment.json'), usedAt, usedAt)
    }
    keysInUse.add(oldest)
    const size = await folderBytes(join(dir, 'store', newest, 'environment'))
    await write({ 'requirements.txt': 'gamma\nbeta==0.5\n' })
    const last = await prepare(open({ maxBytes: size * 3.5, keysInUse: async () => keysInUse }))
    expect([oldest, second, third, newest, last?.key ?? ''].map((key) => existsSync(join(dir, 'store', key)))).toEqual([
      true,
      false,
      false,
      true,
      true,
    ])
  })
})
