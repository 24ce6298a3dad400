import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, cp, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createNetServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TrainerManifest } from '@trainyard/contract'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { runRule } from '../rule.ts'
import { COMPLIANCE_RULES } from '../rules/index.ts'
import { openSandbox } from './open-sandbox.ts'
import { runTrainer } from './run-trainer.ts'
import type { SandboxOptions } from './sandbox-choice.ts'

const good = fileURLToPath(new URL('../../fixtures/trainers/good', import.meta.url))

const isPossible = await openSandbox({ choice: 'required', hiddenDirs: [] }, tmpdir()).then(
  async (sandbox) => {
    await sandbox.close()
    return true
  },
  () => false,
)
if (!isPossible) console.warn('SKIPPED: hostile trainers in the sandbox; this machine has no complete sandbox')

/** Files, processes and servers of other users of the machine. */
async function makeVictims(dir: string) {
  const home = join(dir, 'home')
  const data = join(dir, 'registry')
  await mkdir(join(home, '.ssh'), { recursive: true })
  await mkdir(join(data, 'acceptance', 'other', 'trainer'), { recursive: true })
  await writeFile(join(home, '.ssh', 'id_ed25519'), 'a private key')
  await writeFile(join(data, 'push-token'), 'ty_of_the_owner')
  await writeFile(join(data, 'acceptance', 'other', 'trainer', 'main.js'), 'of another')
  const process_ = spawn('sleep', ['600'], { stdio: 'ignore', env: { DATABASE_URL: 'postgres://secret' } })
  let requests = 0
  const api = createServer((_request, response) => {
    requests++
    response.end('{"token":"ty_admin"}')
  })
  await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve))
  const abstractName = `trainyard-victim-${process.pid}`
  const abstract = createNetServer((socket) => {
    requests++
    socket.destroy()
  })
  await new Promise<void>((resolve) => abstract.listen(`\0${abstractName}`, resolve))
  const port = (api.address() as AddressInfo).port
  const close = async () => {
    process_.kill('SIGKILL')
    for (const server of [api, abstract]) await new Promise((resolve) => server.close(resolve))
  }
  return { home, data, process: process_, port, abstractName, requests: () => requests, close }
}

interface AttackOptions {
  readonly data: string
  readonly over?: Partial<TrainerManifest>
  readonly sandbox: Partial<SandboxOptions>
}

/** Trains once with an honest trainer whose program begins with an attack. */
async function runAttack(attack: string, { data, over, sandbox }: AttackOptions) {
  const trainer = join(data, 'acceptance', 'mine', 'trainer')
  await cp(good, trainer, { recursive: true })
  const main = await readFile(join(trainer, 'main.js'), 'utf8')
  await writeFile(
    join(trainer, 'main.js'),
    main.replace('const { env } = process', `const { env } = process\n${attack}`),
  )
  const manifest = {
    ...TrainerManifest.parse(JSON.parse(await readFile(join(trainer, 'trainer.json'), 'utf8'))),
    ...over,
  }
  const outcome = await runTrainer({
    trainer: { dir: trainer },
    manifest,
    seed: 7,
    signal: new AbortController().signal,
    steps: [],
    deadline: performance.now() + 100_000,
    sandbox: { hiddenDirs: [data], ...sandbox },
    databaseUrl: process.env.TEST_DATABASE_URL,
  })
  if (outcome.state !== 'done') throw new Error(outcome.reason)
  const findings = (await Promise.all(COMPLIANCE_RULES.map((rule) => runRule(rule, outcome.record)))).flat()
  const output = outcome.record.operations.flatMap((operation) => operation.output)
  const attacks = output.flatMap((line) => (line.startsWith('attack ') ? [JSON.parse(line.slice(7)) as unknown] : []))
  return { record: outcome.record, findings, attacks, output }
}

/** Code that tries each, and prints the outcomes. */
const attempts = (tries: Record<string, string>) => `
  import * as fs from 'node:fs'
  import { execFileSync } from 'node:child_process'
  import { connect } from 'node:net'
  const seen = {}
  const sh = (text) => execFileSync('/bin/sh', ['-c', text], { stdio: 'pipe' }).toString().trim()
  const dial = (to) => new Promise((resolve, reject) => { const s = connect(to, () => resolve('connected')); s.on('error', reject) })
  ${Object.entries(tries)
    .map(
      ([name, code]) =>
        `try { seen[${JSON.stringify(name)}] = await (async () => ${code})() ?? 'done' } catch (e) { seen[${JSON.stringify(name)}] = e.code ?? 'refused'; console.error(e.message) }`,
    )
    .join('\n')}
  console.log('attack ' + JSON.stringify(seen))`

describe.skipIf(!isPossible)('a hostile trainer', () => {
  let dir: string
  let victims: Awaited<ReturnType<typeof makeVictims>>
  beforeEach(async () => {
    // Not in /tmp, because a trainer has its own /tmp.
    dir = await realpath(
      await mkdtemp(join('/var', 'trainyard-hostile-')).catch(() => mkdtemp(join(tmpdir(), 'hostile-'))),
    )
    victims = await makeVictims(dir)
    vi.stubEnv('HOME', victims.home)
  })
  afterEach(async () => {
    vi.unstubAllEnvs()
    await victims.close()
    await rm(dir, { recursive: true, force: true })
  })

  const run = (attack: string, over: Partial<TrainerManifest> = {}) =>
    runAttack(attack, { data: victims.data, over, sandbox: { choice: 'required', readPaths: [] } })

  test('cannot read or change files of others, and its attempts to write are a finding', {
    timeout: 120_000,
  }, async () => {
    const { home, data } = victims
    const { findings, attacks, record } = await run(
      attempts({
        key: `fs.readFileSync('${home}/.ssh/id_ed25519', 'utf8')`,
        token: `fs.readFileSync('${data}/push-token', 'utf8')`,
        bundle: `fs.writeFileSync('${data}/acceptance/other/trainer/main.js', 'mine')`,
        home: `fs.writeFileSync('${home}/.bashrc', 'evil')`,
        etc: `fs.writeFileSync('/etc/cron.d-evil', 'evil')`,
        data: `fs.writeFileSync('${data}/evil', 'evil')`,
        link: `(fs.symlinkSync('${data}/push-token', env.WORK_DIR + '/link'), fs.readFileSync(env.WORK_DIR + '/link', 'utf8'))`,
        hardLink: `fs.linkSync('/etc/passwd', env.WORK_DIR + '/passwd')`,
        folder: `fs.writeFileSync('evil.js', 'evil')`,
      }),
    )
    expect(attacks).toEqual([
      {
        key: 'ENOENT',
        token: 'ENOENT',
        bundle: 'ENOENT',
        home: 'ENOENT',
        etc: 'EROFS',
        data: 'EROFS',
        link: 'ENOENT',
        hardLink: 'EXDEV',
        folder: 'done',
      },
    ])
    const messages = findings.filter(({ code }) => code === 'TY601').map(({ message }) => message)
    expect(messages).toEqual([
      'the trainer changed its own folder: evil.js (new)',
      `the trainer tried to write outside its work folder (train): /etc/cron.d-evil, ${data}/evil`,
    ])
    // The pushed folder and the folders of others have not changed.
    expect(existsSync(join(data, 'acceptance', 'mine', 'trainer', 'evil.js'))).toBe(false)
    expect(await readFile(join(data, 'acceptance', 'other', 'trainer', 'main.js'), 'utf8')).toBe('of another')
    expect(record.sandboxNote).toMatch(/^sandboxed: (bubblewrap|util-linux), own processes, own network/)
  })

  test('cannot reach processes, kernel settings, or servers other than the platform', {
    timeout: 120_000,
  }, async () => {
    const { pid } = victims.process
    const { attacks, findings } = await run(
      attempts({
        kill: `process.kill(${pid}, 'SIGKILL')`,
        killUs: `process.kill(${process.pid}, 'SIGKILL')`,
        environment: `fs.readFileSync('/proc/${pid}/environ', 'utf8')`,
        own: `Object.keys(env).filter((name) => /DATABASE|SECRET|PASSWORD|AWS|GITHUB|JWT/.test(name)).join()`,
        corePattern: `fs.writeFileSync('/proc/sys/kernel/core_pattern', '|/tmp/evil')`,
        hostname: `fs.writeFileSync('/proc/sys/kernel/hostname', 'evil')`,
        cgroup: `sh('mkdir /sys/fs/cgroup/evil')`,
        device: `sh('mknod "$WORK_DIR/disk" b 8 0')`,
        mount: `sh('mount -o remount,rw /')`,
        namespace: `sh('unshare -Urm true')`,
        setuid: `sh('cp /bin/sh "$WORK_DIR/sh" && chmod u+s "$WORK_DIR/sh" && "$WORK_DIR/sh" -c "grep -c NoNewPrivs:.1 /proc/self/status"')`,
        api: `dial(${victims.port})`,
        api6: `dial({ host: '::1', port: ${victims.port} })`,
        postgres: `dial(5432)`,
        abroad: `dial({ host: '192.0.2.1', port: 80 })`,
        metadata: `dial({ host: '169.254.169.254', port: 80 })`,
        abstract: `dial({ path: '\\0${victims.abstractName}' })`,
        people: `(await fetch(new URL('/v1/tokens', env.CALLBACK_URL), { method: 'POST', body: '{}' })).status`,
        jobs: `(await fetch(new URL('/v1/jobs', env.CALLBACK_URL))).status`,
      }),
    )
    expect(attacks).toEqual([
      {
        kill: 'ESRCH',
        killUs: 'ESRCH',
        environment: 'ENOENT',
        own: '',
        corePattern: 'EROFS',
        hostname: 'EROFS',
        cgroup: expect.anything(),
        device: expect.anything(),
        mount: expect.anything(),
        namespace: expect.anything(),
        setuid: '1',
        api: 'ECONNREFUSED',
        api6: 'ECONNREFUSED',
        postgres: 'ECONNREFUSED',
        abroad: 'ENETUNREACH',
        metadata: 'ENETUNREACH',
        people: 404,
        jobs: 404,
        abstract: 'ECONNREFUSED',
      },
    ])
    for (const refused of ['cgroup', 'device', 'mount', 'namespace'])
      expect((attacks[0] as Record<string, unknown>)[refused]).not.toBe('')
    expect(isAlive(victims.process)).toBe(true)
    expect(victims.requests()).toBe(0)
    expect(findings.find(({ code }) => code === 'TY601')?.message).toContain('/proc/sys/kernel/core_pattern')
  })

  test('is limited in memory and processes, if control groups are available', { timeout: 120_000 }, async () => {
    const sandbox = await openSandbox({ choice: 'auto', hiddenDirs: [] }, tmpdir())
    await sandbox.close()
    if (sandbox.isolation.cgroups === undefined)
      return console.warn('SKIPPED: limits on memory and processes; control groups are not available')
    const bomb = `import { spawnSync } from 'node:child_process'
      const bombed = spawnSync('/bin/sh', ['-c', 'n=0; while true; do sleep 500 >/dev/null 2>&1 & n=$((n+1)); echo $n; done'], { encoding: 'utf8' })
      console.log('attack ' + JSON.stringify(Number(bombed.stdout.trim().split('\\n').at(-1))))
      const kept = []; for (;;) kept.push(Buffer.alloc(20e6, 1))`
    const { attacks, findings, record } = await run(bomb, { resources: { memoryMb: 2500 } })
    expect(attacks[0]).toBeGreaterThan(10)
    expect(attacks[0]).toBeLessThan(1024)
    expect(record.operations[0]?.job).toMatchObject({ state: 'failed', endReason: 'out_of_memory' })
    expect(findings.length).toBeGreaterThan(0)
  })
})

describe('without a sandbox, as root', () => {
  let dir: string
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'trainyard-root-'))
    await chmod(dir, 0o755)
    // As that of a registry after its second start.
    await mkdir(join(dir, 'data'), { mode: 0o700 })
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  const sandbox = { choice: 'off' } as const
  async function hasUsers(): Promise<boolean> {
    const { isolation, close } = await openSandbox({ ...sandbox, hiddenDirs: [join(dir, 'data')] }, dir)
    await close()
    return isolation.separateUsers !== undefined
  }

  test('a trainer of others trains as a user of its own, and cannot read what is kept for its check', {
    timeout: 120_000,
  }, async () => {
    if (!(await hasUsers()))
      return console.warn('SKIPPED: users of their own need root, setpriv, and a Node for all users')
    const { attacks, record } = await runAttack(
      attempts({
        user: `process.getuid()`,
        list: `fs.readdirSync(process.env.WORK_DIR + '/../../..')`,
        kept: `fs.readdirSync(process.env.WORK_DIR + '/../../../closed')`,
        store: `fs.readdirSync(process.env.WORK_DIR + '/../../../closed/store')`,
      }),
      { data: join(dir, 'data'), sandbox },
    )
    expect(attacks[0]).toEqual({ user: expect.any(Number), list: 'EACCES', kept: 'EACCES', store: 'EACCES' })
    expect((attacks[0] as { user: number }).user).toBeGreaterThan(0)
    expect(record.operations[0]?.job.state).toBe('succeeded')
  })

  test('nothing is blamed on a trainer whose user cannot enter its environment', async () => {
    if (!(await hasUsers())) return
    vi.stubEnv('PYTHON_ENVIRONMENTS_DIR', join(dir, 'data', 'environments'))
    const over = { runtime: { python: '>=3.9' } }
    const run = runAttack('', { data: join(dir, 'data'), over, sandbox }).finally(() => vi.unstubAllEnvs())
    await expect(run).rejects.toThrow(
      /cannot enter .*Set PYTHON_ENVIRONMENTS_DIR to a folder that every user can enter/,
    )
  })
})

function isAlive(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null
}
