import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createConnection, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createLogger } from '@trainyard/platform'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { AttemptRef, Launcher, LaunchRequest, Observation, OutputLine } from '../launcher.ts'
import { launchRequest } from '../testing/launch-request.ts'
import { readDockerConfig } from './config.ts'
import { connectEngine } from './engine.ts'
import { createDockerLauncher } from './launcher.ts'

/** Tests of containers only. Those for every launcher are in conformance.cases.ts. */
const docker = connectEngine()
const image = await docker
  .getImage('node:24-bookworm-slim')
  .inspect()
  .catch(() => undefined)
if (image === undefined)
  console.warn('SKIPPED: containers. It needs a Docker engine that has the image node:24-bookworm-slim')

const SOCKET = '/var/run/docker.sock'
const instanceId = randomUUID()
const datasetCacheDir = mkdtempSync(join(tmpdir(), 'trainyard-datasets-'))
const logger = createLogger({ name: 'test', level: process.env.TEST_LOG_LEVEL ?? 'silent' })
const create = (
  env: Record<string, string> = {},
  instance = instanceId,
  cacheDir = datasetCacheDir,
): Promise<Launcher> =>
  createDockerLauncher({
    config: readDockerConfig({ ...process.env, ...env }),
    instanceId: instance,
    datasetCacheDir: cacheDir,
    datasetCacheMaxGb: 1,
    logger,
  })

describe.skipIf(image === undefined)('containers', () => {
  let launcher: Launcher
  let nextJob = 1
  beforeAll(async () => {
    launcher = await create()
  })
  afterEach(async () => {
    for await (const ref of launcher.list()) await launcher.remove(ref)
  })
  afterAll(async () => {
    rmSync(datasetCacheDir, { recursive: true })
  })

  const request = (program: string, over: Partial<LaunchRequest> = {}): LaunchRequest =>
    launchRequest({
      jobId: nextJob++,
      callbackUrl: 'http://127.0.0.1:1/v1/jobs/1',
      token: 'a-token-of-this-job',
      trainer: { type: 'image', reference: image?.Id ?? '' },
      argv: ['node', '-e', program],
      ...over,
    })
  const when = async (ref: AttemptRef, state: Observation['state'], by = launcher): Promise<Observation> => {
    for (let waits = 0; waits < 4500; waits++) {
      const seen = await by.observe(ref)
      if (seen.state === state) return seen
      await sleep(20)
    }
    throw new Error(`never ${state}: ${JSON.stringify(await by.observe(ref))}`)
  }
  const linesOf = async (ref: AttemptRef, { final } = { final: true }): Promise<string[]> =>
    (await launcher.logs(ref, { stdout: 0, stderr: 0 }, { final })).lines.map(({ text }) => text)
  /** Kinds of what exists in the engine for an attempt. */
  const kindsOf = async (ref: AttemptRef): Promise<string[]> => {
    const part = `trainyard-${ref.jobId}-${ref.attempt}-${instanceId.slice(0, 8)}`
    const [containers, networks, volumes] = await Promise.all([
      docker.listContainers({ all: true, filters: { name: [part] } }),
      docker.listNetworks({ filters: { name: [part] } }),
      docker.listVolumes({ filters: { name: [part] } }),
    ])
    return [
      ...containers.map(() => 'container'),
      ...networks.map(() => 'network'),
      ...(volumes.Volumes ?? []).map(() => 'volume'),
    ]
  }

  it('are started and removed although two runners created the network at the same time', async (test) => {
    const ref = request('setInterval(() => {}, 1000)')
    const Name = `trainyard-${ref.jobId}-1-${instanceId.slice(0, 8)}`
    const another = () => docker.createNetwork({ Name, CheckDuplicate: false })
    await another()
    // Engines since version 25 reject duplicates.
    if ((await another().catch(() => undefined)) === undefined) {
      await docker.getNetwork(Name).remove()
      test.skip('this engine does not create two networks with one name')
    }
    await launcher.launch(ref)
    await when(ref, 'running')
    expect((await kindsOf(ref)).filter((kind) => kind === 'network')).toEqual(['network'])
    await another()
    await launcher.remove(ref)
    expect(await kindsOf(ref)).toEqual([])
  })

  it('restrict the trainer: not root, no capabilities, no new privileges, only its own folders are writable', async () => {
    const ref = request(`
      const fs = require('fs')
      const status = fs.readFileSync('/proc/self/status', 'utf8')
      const field = (name) => status.match(new RegExp('^' + name + ':\\\\s*(.*)$', 'm'))[1]
      const tried = (dir) => { try { fs.writeFileSync(dir + '/probe', ''); return 'ok' } catch (error) { return error.code } }
      const { WORK_DIR, TMPDIR, DATASET_CACHE_DIR, CALLBACK_TOKEN_FILE, HOME } = process.env
      console.log(JSON.stringify({
        uid: process.getuid(), capabilities: field('CapEff') + field('CapBnd'), noNewPrivileges: field('NoNewPrivs'),
        own: [WORK_DIR, TMPDIR, HOME, '/tmp', '/dev/shm'].map(tried),
        others: [DATASET_CACHE_DIR, '/', '/etc', '/home/node', '/trainyard', '/trainyard/secret'].map(tried),
        files: fs.readdirSync(DATASET_CACHE_DIR + '/a-dataset'),
        listed: (() => { try { return fs.readdirSync(DATASET_CACHE_DIR) } catch (error) { return error.code } })(),
        token: fs.readFileSync(CALLBACK_TOKEN_FILE, 'utf8'), mode: (fs.statSync(CALLBACK_TOKEN_FILE).mode & 0o777).toString(8),
      }))`)
    mkdirSync(join(datasetCacheDir, 'a-dataset', 'files'), { recursive: true })
    await launcher.launch(ref)
    await when(ref, 'exited')
    const [line] = await linesOf(ref)
    expect(JSON.parse(line ?? '')).toEqual({
      uid: 10_001,
      capabilities: '0'.repeat(32),
      noNewPrivileges: '1',
      own: Array(5).fill('ok'),
      others: ['EROFS', 'EROFS', 'EROFS', 'EROFS', 'EACCES', 'EACCES'],
      files: ['files'],
      listed: 'EACCES',
      token: 'a-token-of-this-job',
      mode: '400',
    })
    const seen = await docker.getContainer(`trainyard-${ref.jobId}-1-${instanceId.slice(0, 8)}`).inspect()
    expect(JSON.stringify(seen)).not.toContain('a-token-of-this-job')
  })

  it('have a cache of their own if the engine cannot mount the runner’s', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'trainyard-unseen-'))
    const apart = await create({}, instanceId, dir)
    // A runner in a container has folders that do not exist on the engine's machine.
    rmSync(dir, { recursive: true })
    const ref = request(`
      const { DATASET_CACHE_DIR: dir, DATASET_CACHE_FILLED_BY: by } = process.env
      require('fs').mkdirSync(dir + '/mine', { recursive: true })
      console.log(JSON.stringify({ dir, by }))`)
    await apart.launch(ref)
    await when(ref, 'exited')
    expect(JSON.parse((await linesOf(ref))[0] ?? '')).toEqual({ dir: '/trainyard/work/datasets' })
  })

  it('read a configuration that is too long for a variable from a file', async () => {
    const note = 'x'.repeat(100_000)
    const ref = request(
      `console.log(JSON.parse(require('fs').readFileSync(process.env.CONFIG_FILE)).advanced.note.length)`,
      {
        config: { basic: {}, advanced: { note } },
      },
    )
    await launcher.launch(ref)
    await when(ref, 'exited')
    expect(await linesOf(ref)).toEqual([String(note.length)])
  })

  it('report out of memory regardless of the exit code', async () => {
    const hog = `const held = []; for (;;) held.push(Buffer.alloc(1e6, 1))`
    const ref = request(
      `require('child_process').spawnSync(process.execPath, ['-e', ${JSON.stringify(hog)}]); process.exit(7)`,
      { resources: { memoryMb: 128 } },
    )
    await launcher.launch(ref)
    expect(await when(ref, 'exited')).toMatchObject({ exitCode: 7, reason: 'out_of_memory' })
  })

  it('have a network of their own and leave nothing behind', async () => {
    const ref = request('setInterval(() => {}, 1000)')
    await launcher.launch(ref)
    expect((await kindsOf(ref)).toSorted()).toEqual(['container', 'network', 'volume'])
    await launcher.remove(ref)
    expect(await kindsOf(ref)).toEqual([])
  })

  it('are absent after an external removal', async () => {
    const ref = request('setInterval(() => {}, 1000)')
    await launcher.launch(ref)
    await docker.getContainer(`trainyard-${ref.jobId}-1-${instanceId.slice(0, 8)}`).remove({ force: true })
    expect(await launcher.observe(ref)).toEqual({ state: 'absent' })
    const listed: AttemptRef[] = []
    for await (const one of launcher.list()) listed.push(one)
    expect(listed).toContainEqual({ jobId: ref.jobId, attempt: 1 })
    await launcher.remove(ref)
    expect(await kindsOf(ref)).toEqual([])
  })

  it('are killed when they exceed the disk limit, and every runner reports why', async () => {
    const program = (then: string) =>
      `require('fs').writeFileSync(process.env.WORK_DIR + '/large', Buffer.alloc(30e6)); ${then}`
    const tooMuch = { reason: 'storage_limit', detail: expect.stringContaining('0.02 GB') }
    const keepsRunning = request(program('setInterval(() => {}, 1000)'), { resources: { diskGb: 0.02 } })
    await launcher.launch(keepsRunning)
    expect(await when(keepsRunning, 'exited')).toMatchObject({ ...tooMuch, exitCode: 137 })
    expect(await (await create()).observe(keepsRunning)).toMatchObject(tooMuch)
    // It ends before the first measurement.
    const fails = request(program('process.exit(1)'), { resources: { diskGb: 0.02 } })
    await launcher.launch(fails)
    expect(await when(fails, 'exited')).toMatchObject({ ...tooMuch, exitCode: 1 })
    const enough = request(program('process.exit(1)'), { resources: { diskGb: 1 } })
    await launcher.launch(enough)
    expect(await when(enough, 'exited')).toMatchObject({ reason: undefined })
  })

  it('report why an image could not be pulled', async () => {
    const reference = `127.0.0.1:9/acme/plain@sha256:${'a'.repeat(64)}`
    const ref = request('', { trainer: { type: 'image', reference } })
    await launcher.launch(ref)
    expect(await when(ref, 'exited')).toMatchObject({
      reason: 'image_pull_failed',
      detail: expect.stringMatching(/127\.0\.0\.1:9.*connection refused/),
    })
    await launcher.remove(ref)
    expect(await launcher.observe(ref)).toEqual({ state: 'absent' })
  })

  it('can be stopped while their image is being pulled', async () => {
    // A registry that accepts the connection and does not answer.
    const sockets: Socket[] = []
    const unresponsive = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1')
    await once(unresponsive, 'listening')
    const address = unresponsive.address()
    const port = typeof address === 'object' ? address?.port : 0
    const reference = `127.0.0.1:${port}/acme/plain@sha256:${'b'.repeat(64)}`
    const ref = request('', { trainer: { type: 'image', reference } })
    await launcher.launch(ref)
    expect(await launcher.observe(ref)).toMatchObject({ state: 'pending', detail: expect.stringContaining('pulling') })
    await launcher.stop(ref, 1000)
    expect(await launcher.observe(ref)).toMatchObject({ state: 'exited', exitCode: 137, reason: 'killed' })
    for (const socket of sockets) socket.destroy()
    unresponsive.close()
  })

  it('have their lines in order, none missing or repeated, whichever runner reads them', async () => {
    const count = 3000
    const ref = request(
      `let i = 0; const timer = setInterval(() => { for (let k = 0; k < 50; k++, i++) { console.log('out ' + i); console.error('err ' + i) }
       if (i >= ${count}) clearInterval(timer) }, 20)`,
    )
    await launcher.launch(ref)
    const readers = [launcher, await create()]
    const lines: OutputLine[] = []
    let position = { stdout: 0, stderr: 0 }
    for (let turn = 0; ; turn++) {
      const isOver = (await launcher.observe(ref)).state === 'exited'
      const read = await readers[turn % 2]?.logs(ref, position, { final: isOver })
      lines.push(...(read?.lines ?? []))
      const isSame = JSON.stringify(read?.position) === JSON.stringify(position)
      position = read?.position ?? position
      if (isOver && isSame) break
      await sleep(10)
    }
    const expected = (word: string) => Array.from({ length: count }, (_, index) => `${word} ${index}`)
    const textsOf = (source: string) => lines.filter((line) => line.source === source).map(({ text }) => text)
    expect(textsOf('stdout')).toEqual(expected('out'))
    expect(textsOf('stderr')).toEqual(expected('err'))
  })

  it('of another database are neither listed nor changed', async () => {
    const ref = request('setInterval(() => {}, 1000)')
    await launcher.launch(ref)
    const other = await create({}, randomUUID())
    expect(await other.observe(ref)).toEqual({ state: 'absent' })
    await other.stop(ref, 0)
    await other.remove(ref)
    for await (const _ of other.list()) throw new Error('it lists an attempt of another database')
    expect(await launcher.observe(ref)).toEqual({ state: 'running' })
  })

  it('that a runner created and did not start are started by the next one', async () => {
    const ref = request(`console.log('started')`)
    await launcher.launch(ref)
    await when(ref, 'exited')
    const name = `trainyard-${ref.jobId}-1-${instanceId.slice(0, 8)}`
    const { Config, HostConfig } = await docker.getContainer(name).inspect()
    await docker.getContainer(name).remove()
    await docker.createContainer({ name, ...Config, HostConfig })
    expect(await launcher.observe(ref)).toEqual({ state: 'absent' })
    await launcher.launch(ref)
    await when(ref, 'exited')
    expect(await linesOf(ref)).toEqual(['started'])
  })

  describe('while the engine is unavailable', () => {
    let dir: string
    beforeAll(async () => {
      dir = await mkdtemp(join(tmpdir(), 'trainyard-engine-'))
    })
    afterAll(async () => {
      await rm(dir, { recursive: true, force: true })
    })

    it('are not lost, and are observed again afterwards', async () => {
      const path = join(dir, 'engine.sock')
      const open = new Set<Socket>()
      const proxy = () =>
        createServer((client) => {
          const engine = createConnection(SOCKET)
          for (const socket of [client, engine]) {
            open.add(socket)
            socket.on('error', () => {}).on('close', () => open.delete(socket))
          }
          client.pipe(engine).pipe(client)
        }).listen(path)
      let server = proxy()
      await once(server, 'listening')
      const through = await create({ DOCKER_HOST: `unix://${path}` })
      const ref = request(
        `process.on('SIGTERM', () => process.exit(0)); console.log('ready'); setInterval(() => {}, 1000)`,
      )
      await through.launch(ref)
      expect(await through.observe(ref)).toEqual({ state: 'running' })
      // Before it has installed its handler, SIGTERM would end it with another code.
      await expect.poll(() => linesOf(ref, { final: false }), { timeout: 30_000 }).toEqual(['ready'])
      server.close()
      for (const socket of open) socket.destroy()
      await expect(through.observe(ref)).rejects.toThrow()
      await expect(through.logs(ref, { stdout: 0, stderr: 0 })).rejects.toThrow()
      await expect(through.stop(ref, 100)).rejects.toThrow()
      await expect(create({ DOCKER_HOST: `unix://${path}` })).rejects.toThrow(/no Docker engine answers at unix:/)
      server = proxy()
      await once(server, 'listening')
      expect(await through.observe(ref)).toEqual({ state: 'running' })
      await through.stop(ref, 10_000)
      expect(await through.observe(ref)).toMatchObject({ state: 'exited', exitCode: 0 })
      server.close()
      for (const socket of open) socket.destroy()
    })
  })
})
