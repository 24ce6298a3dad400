import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ConfigError, createLogger, processIdentity } from '@trainyard/platform'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { NoRoomError } from '../../errors.ts'
import { endOfExit } from '../../jobs/statuses.ts'
import type { Launcher, LaunchRequest, Observation } from '../launcher.ts'
import { isRunning } from '../testing/is-running.ts'
import { launchRequest } from '../testing/launch-request.ts'
import { cgroupFiles } from './cgroup-files.ts'
import { findCgroupParent } from './cgroups.ts'
import { createSubprocessLauncher, type SubprocessLauncherOptions } from './launcher.ts'
import { findSandbox } from './sandbox/find-sandbox.ts'
import { findTool } from './sandbox/tools.ts'
import { attemptFiles } from './spec.ts'

const logger = createLogger({ name: 'test', level: 'silent' })
const possible: ('bubblewrap' | 'util-linux')[] = []
for (const kind of ['bubblewrap', 'util-linux'] as const) {
  const found = await findSandbox({ choice: kind, dataDirs: [], logger }).catch(() => undefined)
  if (found?.sandbox !== undefined) possible.push(kind)
  else console.warn(`SKIPPED: trainers in ${kind}. It needs ${kind} and user namespaces`)
}
const cgroupsHere = await findCgroupParent('trainyard-test')
if (cgroupsHere === undefined) console.warn('SKIPPED: memory limits. It needs a control group that can limit memory')

/** A folder with programs for PATH. */
async function folderOfTools(dir: string, tools: Record<string, string>): Promise<string> {
  const folder = join(dir, 'tools')
  await mkdir(folder, { recursive: true })
  for (const [name, text] of Object.entries(tools)) await writeFile(join(folder, name), text, { mode: 0o755 })
  return folder
}

describe('a process of a trainer', () => {
  let dir: string
  let launchers: Launcher[]
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'trainyard-isolation-'))
    await mkdir(join(dir, 'trainer'))
    launchers = []
  })
  afterEach(async () => {
    for (const launcher of launchers) for await (const ref of launcher.list()) await launcher.remove(ref)
    await rm(dir, { recursive: true, force: true })
  })
  const create = (over: Partial<SubprocessLauncherOptions> = {}): Launcher => {
    const launcher = createSubprocessLauncher({
      attemptsDir: join(dir, 'data', 'attempts'),
      datasetCacheDir: join(dir, 'data', 'datasets'),
      datasetCacheMaxGb: 1,
      logger,
      ...over,
    })
    launchers.push(launcher)
    return launcher
  }
  const request = (jobId: number, program: string, resources: LaunchRequest['resources'] = {}): LaunchRequest =>
    launchRequest({
      jobId,
      callbackUrl: 'http://127.0.0.1:1/v1/jobs/1',
      token: 'first-token',
      trainer: { type: 'folder', dir: join(dir, 'trainer') },
      resources,
      argv: ['node', '-e', program],
    })
  const ended = async (launcher: Launcher, jobId: number): Promise<Extract<Observation, { state: 'exited' }>> => {
    for (let waits = 0; waits < 3000; waits++) {
      const seen = await launcher.observe({ jobId, attempt: 1 })
      if (seen.state === 'exited') return seen
      if (seen.state !== 'running') throw new Error(`unexpectedly ${seen.state}`)
      await sleep(10)
    }
    throw new Error('the trainer does not end')
  }
  /** The first line of output with this text. */
  const lineWith = async (launcher: Launcher, jobId: number, text = ''): Promise<string> => {
    for (let waits = 0; waits < 3000; waits++) {
      const { lines } = await launcher.logs({ jobId, attempt: 1 }, { stdout: 0, stderr: 0 })
      const line = lines.find((one) => one.text.includes(text))
      if (line !== undefined) return line.text
      await sleep(10)
    }
    throw new Error(`the trainer never printed "${text}"`)
  }
  /** The JSON that a program prints. */
  const run = async (launcher: Launcher, jobId: number, program: string): Promise<unknown> => {
    await launcher.launch(request(jobId, program))
    await ended(launcher, jobId)
    return JSON.parse(await lineWith(launcher, jobId))
  }

  describe.each(possible)('in %s', (kind) => {
    const sandboxed = async () => {
      await mkdir(join(dir, 'data'), { recursive: true })
      const { sandbox } = await findSandbox({ choice: kind, dataDirs: [join(dir, 'data')], logger })
      return create({ sandbox })
    }
    const tryAll = (paths: Record<string, string>, how: string) =>
      `const fs = require('fs'); const seen = {}; const t = (f) => { try { return f() ?? 'done' } catch (e) { return e.code } }
       for (const [name, path] of Object.entries(${JSON.stringify(paths)})) seen[name] = t(() => ${how}); console.log(JSON.stringify(seen))`

    it('sees nothing of other jobs or of the runner’s data', async () => {
      const launcher = await sandboxed()
      await writeFile(join(dir, 'data', 'secret'), 'of the runner')
      await writeFile(join(tmpdir(), `trainyard-of-another-${process.pid}`), 'x')
      await launcher.launch(request(1, `setInterval(() => {}, 1000)`))
      const other = attemptFiles(
        { attemptsDir: join(dir, 'data', 'attempts'), datasetCacheDir: '', datasetCacheMaxGb: 1 },
        { jobId: 1, attempt: 1 },
      )
      expect(existsSync(other.tokenFile)).toBe(true)
      const paths = {
        secret: join(dir, 'data', 'secret'),
        token: other.tokenFile,
        work: other.workDir,
        temporary: join(tmpdir(), `trainyard-of-another-${process.pid}`),
        sockets: '/run/docker.sock',
      }
      expect(await run(launcher, 2, tryAll(paths, 'fs.statSync(path) && "seen"'))).toEqual({
        secret: 'ENOENT',
        token: 'ENOENT',
        work: 'ENOENT',
        temporary: 'ENOENT',
        sockets: 'ENOENT',
      })
      await rm(paths.temporary)
    })

    it('writes only to its own folder and /tmp, and reads the dataset cache', async () => {
      const launcher = await sandboxed()
      const paths = {
        work: '/trainyard/work/x',
        tmp: `/tmp/trainyard-private-${process.pid}`,
        cache: join(dir, 'data', 'datasets', 'x'),
        trainer: join(dir, 'trainer', 'x'),
        token: join(dir, 'data', 'attempts', 'trainyard-3-1', 'input', 'token'),
        exit: join(dir, 'data', 'attempts', 'trainyard-3-1', 'exit-code'),
        data: join(dir, 'data', 'x'),
        system: '/etc/x',
        root: '/x',
        // Root needs no capability to write it, and the kernel would run what follows a "|" as root.
        kernel: '/proc/sys/kernel/core_pattern',
      }
      const outcomes = await run(launcher, 3, tryAll(paths, 'fs.writeFileSync(path, "x")'))
      const allowed = Object.entries(outcomes as Record<string, string>).filter(([, outcome]) => outcome === 'done')
      expect(allowed.map(([name]) => name)).toEqual(['work', 'tmp'])
      expect(existsSync(`/tmp/trainyard-private-${process.pid}`)).toBe(false)
      await writeFile(paths.cache, 'x')
      expect(await run(launcher, 9, tryAll({ cache: paths.cache }, 'fs.readFileSync(path, "utf8")'))).toEqual({
        cache: 'x',
      })
    })

    it('has the same WORK_DIR in every attempt, with files of its own', async () => {
      const launcher = await sandboxed()
      const program = `const fs = require('fs'); const { WORK_DIR, HOME, JOB_ATTEMPT } = process.env
        const before = fs.readdirSync(WORK_DIR).filter((name) => name.endsWith('.pt'))
        fs.writeFileSync(WORK_DIR + '/' + JOB_ATTEMPT + '.pt', 'x'); console.log(JSON.stringify({ WORK_DIR, HOME, before }))`
      const seen = { WORK_DIR: '/trainyard/work', HOME: '/trainyard/work', before: [] }
      for (const attempt of [1, 2]) {
        await launcher.launch({ ...request(6, program), attempt })
        await expect
          .poll(async () => (await launcher.observe({ jobId: 6, attempt })).state, { timeout: 60_000 })
          .toBe('exited')
        const { lines } = await launcher.logs({ jobId: 6, attempt }, { stdout: 0, stderr: 0 }, { final: true })
        expect(lines.map(({ text }) => text)).toEqual([JSON.stringify(seen)])
        expect(existsSync(join(dir, 'data', 'attempts', `trainyard-6-${attempt}`, 'work', `${attempt}.pt`))).toBe(true)
      }
    })

    it('sees only its own processes', async () => {
      const launcher = await sandboxed()
      const program = `const fs = require('fs'); const pids = fs.readdirSync('/proc').filter((n) => /^[0-9]+$/.test(n))
        let killed; try { process.kill(${process.pid}, 0); killed = true } catch (e) { killed = e.code }
        const namespaces = require('child_process').spawnSync('unshare', ['-U', 'true']).status
        console.log(JSON.stringify({ few: pids.length <= 4, killed, namespaces: namespaces === 0 }))`
      expect(await run(launcher, 4, program)).toEqual({ few: true, killed: 'ESRCH', namespaces: false })
    })

    it('leaves no process behind, not even one that left its process group', async () => {
      const launcher = await sandboxed()
      const program = `const c = require('child_process').spawn('sleep', ['3600.${process.pid}'], { detached: true, stdio: 'ignore' })
        c.unref(); console.log('ready'); setInterval(() => {}, 1000)`
      await launcher.launch(request(5, program))
      await lineWith(launcher, 5, 'ready')
      await launcher.remove({ jobId: 5, attempt: 1 })
      await expect.poll(() => isRunning(`3600.${process.pid}`), { timeout: 60_000 }).toBe(false)
    })
  })

  it('is rejected if a sandbox is required that does not work', async () => {
    const path = await folderOfTools(dir, { bwrap: '#!/bin/sh\necho not today >&2; exit 127\n' })
    const search = findSandbox({ choice: 'bubblewrap', dataDirs: [], logger, path })
    await expect(search).rejects.toThrow(ConfigError)
    await expect(search).rejects.toThrow(/not today/)
    expect((await findSandbox({ choice: 'none', dataDirs: [], logger })).sandbox).toBeUndefined()
  })

  it.each(possible)('is not blamed if %s does not start it', async (kind) => {
    await mkdir(join(dir, 'data'), { recursive: true })
    const { sandbox } = await findSandbox({ choice: kind, dataDirs: [join(dir, 'data')], logger })
    if (sandbox === undefined) throw new Error('expected a sandbox')
    // Uninstalled since the server has started.
    const gone = { ...sandbox.tools, bwrap: '/no/bwrap', unshare: '/no/unshare' }
    const launcher = create({ sandbox: { ...sandbox, tools: gone } })
    await launcher.launch(request(50, 'process.exit(0)'))
    const seen = await ended(launcher, 50)
    expect(seen).toMatchObject({ reason: 'sandbox_failed', detail: expect.stringContaining('/no/') })
    expect(endOfExit({ ...seen, stopReason: null })).toMatchObject({
      reason: 'sandbox_failed',
      error: { message: expect.stringContaining('not a fault of the trainer') },
    })
    const working = create({ sandbox })
    await working.launch({ ...request(51, ''), argv: ['no-such-program'] })
    expect(await ended(working, 51)).toMatchObject({ exitCode: 127, reason: undefined })
  })

  it('finds the programs of its sandbox in the PATH of the server, not in its own', async () => {
    const path = await folderOfTools(dir, { bwrap: '#!/bin/sh\n' })
    expect(findTool('bwrap', `relative:${path}`)).toBe(join(path, 'bwrap'))
    expect(findTool('no-such-tool', path)).toBeUndefined()
    expect(findTool('sh', '')).toMatch(/^\/(usr\/)?bin\/sh$/)
  })

  it('reads a renewed token from its file while it runs', async () => {
    const launcher = create()
    const program = `const { readFileSync } = require('fs'); let last
      setInterval(() => { const now = readFileSync(process.env.CALLBACK_TOKEN_FILE, 'utf8'); if (now !== last) console.log(last = now) }, 5)`
    await launcher.launch(request(6, program))
    await lineWith(launcher, 6, 'first-token')
    await launcher.renewToken?.({ jobId: 6, attempt: 1 }, 'second-token')
    await lineWith(launcher, 6, 'second-token')
  })

  it('writes no core file, and no file above its disk limit', async () => {
    const launcher = create()
    // 512 KiB; dd, unlike Node, dies of the signal.
    const launch = {
      ...request(7, '', { diskGb: 0.0005 }),
      argv: ['/bin/sh', '-c', 'ulimit -c; exec dd if=/dev/zero of="$WORK_DIR/big" bs=1M count=2'],
    }
    await launcher.launch(launch)
    expect(await ended(launcher, 7)).toMatchObject({ signal: 'SIGXFSZ', reason: 'storage_limit' })
    expect(await lineWith(launcher, 7)).toBe('0')
  })

  it.skipIf(cgroupsHere === undefined)('ends as out of memory above the limit of its manifest', async () => {
    const launcher = create({ cgroups: cgroupsHere })
    const hungry = `const kept = []; for (let i = 0; i < 40; i++) kept.push(Buffer.alloc(20e6, 1)); console.log('enough')`
    await launcher.launch(request(8, hungry, { memoryMb: 256 }))
    expect(await ended(launcher, 8)).toMatchObject({ exitCode: 137, reason: 'out_of_memory' })
    await launcher.launch(request(9, hungry, { memoryMb: 2048 }))
    expect(await ended(launcher, 9)).toMatchObject({ exitCode: 0 })
    await launcher.launch(request(10, `process.exit(1)`, { memoryMb: 2048 }))
    expect(await ended(launcher, 10)).toMatchObject({ reason: undefined })
    for (const jobId of [8, 9, 10]) await launcher.remove({ jobId, attempt: 1 })
    expect(existsSync(join(cgroupsHere?.dir ?? '', 'trainyard-8-1'))).toBe(false)
  })

  it('has its memory limited by both versions of control groups', () => {
    expect(cgroupFiles(2, 512, 8192)).toEqual([
      ['memory.max', '536870912'],
      ['memory.swap.max', '0'],
      ['pids.max', '8192'],
    ])
    expect(cgroupFiles(1, 512, 8192)[0]).toEqual(['memory.limit_in_bytes', '536870912'])
  })

  it('has devices of its own, also after another runner took over', async () => {
    const devices = ['0', '1', '2']
    const launcher = create({ devices })
    const show = `console.log('devices=' + process.env.CUDA_VISIBLE_DEVICES); setInterval(() => {}, 1000)`
    await launcher.launch(request(11, show, { gpu: 2 }))
    await launcher.launch(request(12, show))
    expect(await lineWith(launcher, 11, 'devices')).toBe('devices=0,1')
    expect(await lineWith(launcher, 12, 'devices')).toBe('devices=')
    const next = create({ devices })
    expect(await next.devices?.()).toEqual({ total: 3, free: 1 })
    await expect(next.launch(request(13, show, { gpu: 2 }))).rejects.toThrow(NoRoomError)
    await expect(next.launch(request(14, show, { gpu: 4 }))).rejects.toThrow(/needs 4 GPUs.*has 3/)
    await next.remove({ jobId: 11, attempt: 1 })
    await next.launch(request(13, show, { gpu: 2 }))
    expect(await lineWith(next, 13, 'devices')).toBe('devices=0,1')
  })

  it('never shares a device, although runners launch at the same time', async () => {
    const both = [create({ devices: ['a', 'b', 'c'] }), create({ devices: ['a', 'b', 'c'] })]
    const show = `setInterval(() => {}, 1000)`
    const outcomes = await Promise.allSettled(
      Array.from({ length: 8 }, (_, index) => both[index % 2]?.launch(request(20 + index, show, { gpu: 1 }))),
    )
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(3)
    expect(await both[0]?.devices?.()).toEqual({ total: 3, free: 0 })
  })

  it('is killed when its attempt is removed, although its shim was killed before', async () => {
    const launcher = create()
    await launcher.launch(request(30, `console.log('pid=' + process.pid); setInterval(() => {}, 1000)`))
    const pid = Number((await lineWith(launcher, 30, 'pid=')).slice(4))
    const files = attemptFiles(
      { attemptsDir: join(dir, 'data', 'attempts'), datasetCacheDir: '', datasetCacheMaxGb: 1 },
      { jobId: 30, attempt: 1 },
    )
    process.kill(Number(await readFile(files.shimPid, 'utf8')), 'SIGKILL')
    await expect.poll(() => launcher.observe({ jobId: 30, attempt: 1 }), { timeout: 60_000 }).toEqual({ state: 'lost' })
    await launcher.remove({ jobId: 30, attempt: 1 })
    await expect.poll(() => processIdentity(pid), { timeout: 60_000 }).toBeUndefined()
  })
})
