import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EnvironmentStore } from '@trainyard/environments'
import { type PackageIndex, startPackageIndex, whyNoEnvironments } from '@trainyard/environments/testing'
import { createLogger } from '@trainyard/platform'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Launcher } from '../launcher.ts'
import { launchRequest } from '../testing/launch-request.ts'
import { createSubprocessLauncher } from './launcher.ts'
import { findSandbox } from './sandbox/find-sandbox.ts'

const logger = createLogger({ name: 'test', level: 'silent' })
const reason = await whyNoEnvironments()
if (reason !== undefined) console.warn(`SKIPPED: builds of Python environments in a sandbox. ${reason}`)
const possible: ('bubblewrap' | 'util-linux')[] = []
for (const kind of ['bubblewrap', 'util-linux'] as const) {
  const found = await findSandbox({ choice: kind, dataDirs: [], logger }).catch(() => undefined)
  if (found?.sandbox?.ownNetwork === true) possible.push(kind)
  else console.warn(`SKIPPED: builds in ${kind}. It needs ${kind} and network namespaces`)
}

/** A package that tries at its installation to read, to write and to call out, and fails with what it could do. */
const spy = (targets: { files: string[]; urls: string[] }) => `
import json, os, socket, urllib.request
def build_wheel(*_):
    seen = []
    for path in ${JSON.stringify(targets.files)}:
        try:
            seen.append(path + ' ' + ','.join(os.listdir(path)) if os.path.isdir(path) else open(path).read())
        except OSError:
            pass
    for path in ['/usr/trainyard-spy', '/etc/trainyard-spy', os.getcwd() + '/../../../../project/x']:
        try:
            open(path, 'w').close(); seen.append('wrote ' + path)
        except OSError:
            pass
    for url in ${JSON.stringify(targets.urls)}:
        try:
            seen.append(url + ' ' + str(urllib.request.urlopen(url, timeout=5).read()))
        except OSError:
            pass
    seen.extend('variable ' + name for name in os.environ if 'SECRET' in name)
    raise SystemExit('SEEN ' + json.dumps(seen))
`

describe.skipIf(reason !== undefined).each(possible)('the build of an environment in %s', (kind) => {
  let dir: string
  let index: PackageIndex
  let launcher: Launcher
  let store: EnvironmentStore
  const closers: (() => unknown)[] = []
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'trainyard-build-'))
    index = await startPackageIndex()
    closers.push(() => index.close())
    await mkdir(join(dir, 'trainer'))
    await mkdir(join(dir, 'data'), { mode: 0o700 })
    await writeFile(join(dir, 'data', 'secret'), 'key of the platform')
    launcher = createSubprocessLauncher({
      attemptsDir: join(dir, 'data', 'attempts'),
      datasetCacheDir: join(dir, 'data', 'datasets'),
      datasetCacheMaxGb: 1,
      logger,
      egress: [],
      sandbox: (await findSandbox({ choice: kind, dataDirs: [join(dir, 'data')], logger })).sandbox,
    })
    const gateway = await launcher.openGateway?.({ fetch: () => new Response('callback') })
    closers.push(() => gateway?.close())
    store = new EnvironmentStore({
      dir: join(dir, 'data', 'environments'),
      env: { ...process.env, PYTHON_INDEX_URL: index.url, MY_SECRET: 'x' },
      minFreeBytes: 0,
      ...launcher.environmentBuilds,
    })
  })
  afterEach(async () => {
    for await (const ref of launcher.list()) await launcher.remove(ref)
    for (const close of closers.splice(0).reverse()) await close()
    await rm(dir, { recursive: true, force: true })
  })
  const prepare = async (requirements: string) => {
    await writeFile(join(dir, 'trainer', 'requirements.txt'), requirements)
    return await store.prepare(join(dir, 'trainer'), {
      runtime: { python: '>=3.9', dependencies: 'requirements.txt' },
      entrypoints: { train: ['python', 'train.py'] },
    })
  }

  it('lets the code of a package see nothing of the machine and of the platform, and reach only the index', async () => {
    const server = createServer((_, response) => response.end('of the machine'))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    closers.push(() => server.close())
    const { port } = server.address() as AddressInfo
    const data = join(dir, 'data')
    await writeFile(join(dir, 'outside'), 'text of the machine')
    const files = [
      '/etc/shadow',
      '/root/.bashrc',
      data,
      join(data, 'secret'),
      join(dir, 'outside'),
      join(dir, 'trainer'),
    ]
    const urls = [`http://127.0.0.1:${port}/`, 'http://127.0.0.1:7600/', 'http://192.0.2.1/']
    index.addSource('spy', spy({ files, urls }))
    const message = await prepare('spy\n').then(String, String)
    const seen = /SEEN (\[.*\])/.exec(message)?.[1] ?? 'nothing was built'
    // Of the data folder exists only what is mounted in it.
    expect(JSON.parse(seen)).toEqual([
      expect.stringMatching(/data (attempts|environments)(,(attempts|environments))?$/),
    ])
    expect(await readdir(join(dir, 'data', 'environments'))).toEqual([])
    expect(existsSync('/usr/trainyard-spy')).toBe(false)
  })

  it('refuses files of another host, and names it', async () => {
    for (const scheme of ['http', 'https']) {
      const url = `${scheme}://files.example.com/x-1.0-py3-none-any.whl`
      const message = await prepare(`# own\nx @ ${url}\n`).then(String, String)
      expect(message).toMatch(
        /requirements.txt:2: a package comes from files.example.com, which is not a package index/,
      )
    }
  })

  it('makes an environment that a trainer can use and cannot change', async () => {
    index.addWheel('alpha')
    const environment = await prepare('alpha\n')
    if (environment === undefined) throw new Error('expected an environment')
    if (process.getuid?.() === 0) expect((await stat(environment.dir)).uid).toBe(0)
    const program = [
      'import alpha, os, sys',
      'print(alpha.version, os.path.dirname(os.path.dirname(sys.executable)) == os.environ["VIRTUAL_ENV"])',
      'print([name for name in os.environ if "INDEX" in name or name.startswith(("UV_", "PIP_"))])',
      'try: open(alpha.__file__, "a"); print("changed")',
      'except OSError as error: print("not changed")',
    ].join('\n')
    await launcher.launch(
      launchRequest({
        callbackUrl: 'http://127.0.0.1:7600/v1/jobs/1',
        trainer: { type: 'folder', dir: join(dir, 'trainer') },
        argv: ['python', '-c', program],
        environment,
      }),
    )
    expect(await launcher.environmentBuilds?.keysInUse()).toEqual(new Set([environment.key]))
    const ref = { jobId: 1, attempt: 1 }
    await expect.poll(async () => (await launcher.observe(ref)).state, { timeout: 60_000 }).toBe('exited')
    const { lines } = await launcher.logs(ref, { stdout: 0, stderr: 0 }, { final: true })
    expect(lines.map(({ text }) => text)).toEqual(['1.0 True', '[]', 'not changed'])
    await launcher.remove(ref)
    expect(await launcher.environmentBuilds?.keysInUse()).toEqual(new Set())
  })
})
