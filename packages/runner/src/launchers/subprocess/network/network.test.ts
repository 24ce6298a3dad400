import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createLogger } from '@trainyard/platform'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Launcher, LaunchRequest } from '../../launcher.ts'
import { launchRequest } from '../../testing/launch-request.ts'
import { createSubprocessLauncher } from '../launcher.ts'
import { findSandbox } from '../sandbox/find-sandbox.ts'

const logger = createLogger({ name: 'test', level: 'silent' })
const kinds = ['bubblewrap', 'util-linux'] as const
const possible: (typeof kinds)[number][] = []
for (const kind of kinds) {
  const found = await findSandbox({ choice: kind, dataDirs: [], logger }).catch(() => undefined)
  if (found?.sandbox?.ownNetwork === true) possible.push(kind)
  else console.warn(`SKIPPED: trainers with a network of their own in ${kind}. It needs ${kind} and network namespaces`)
}

describe.each(possible)('a trainer with a network of its own in %s', (kind) => {
  let dir: string
  let launcher: Launcher
  const closers: (() => Promise<unknown>)[] = []
  beforeEach(async () => {
    // Longer than the path of a socket can be.
    dir = join(await mkdtemp(join(tmpdir(), 'trainyard-network-')), 'deep-'.repeat(20))
    await mkdir(join(dir, 'trainer'), { recursive: true })
  })
  afterEach(async () => {
    for await (const ref of launcher.list()) await launcher.remove(ref)
    for (const close of closers.splice(0).reverse()) await close()
    await rm(dir, { recursive: true, force: true })
  })

  const create = async (egress: string[] = []): Promise<Launcher> => {
    const dataDirs = [join(dir, 'data')]
    await mkdir(join(dir, 'data'), { recursive: true })
    launcher = createSubprocessLauncher({
      attemptsDir: join(dir, 'data', 'attempts'),
      datasetCacheDir: join(dir, 'data', 'datasets'),
      datasetCacheMaxGb: 1,
      logger,
      egress,
      sandbox: (await findSandbox({ choice: kind, dataDirs, logger })).sandbox,
    })
    return launcher
  }
  const open = async (text: string) => {
    const gateway = await launcher.openGateway?.({
      fetch: async (request) => new Response(`${text} ${new URL(request.url).pathname} ${await request.text()}`),
    })
    if (gateway === undefined) throw new Error('the launcher has no gateway')
    closers.push(() => gateway.close())
    return gateway
  }
  /** A server on the machine: an object store, or one that trainers must not reach. */
  const serve = async () => {
    const server = createServer((request, response) => response.end(`of the machine ${request.url}`))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closers.push(() => new Promise((resolve) => server.close(resolve)))
    return (server.address() as AddressInfo).port
  }
  const start = async (program: string, over: Partial<LaunchRequest> = {}, callbackPort = 7600) => {
    const request = launchRequest({
      callbackUrl: `http://127.0.0.1:${callbackPort}/v1/jobs/1`,
      trainer: { type: 'folder', dir: join(dir, 'trainer') },
      argv: ['node', '-e', program],
      ...over,
    })
    await launcher.launch(request)
  }
  /** The output of a trainer that has ended. */
  const outputOf = async (jobId = 1): Promise<string[]> => {
    for (let waits = 0; waits < 6000; waits++) {
      const seen = await launcher.observe({ jobId, attempt: 1 })
      const { lines } = await launcher.logs({ jobId, attempt: 1 }, { stdout: 0, stderr: 0 }, { final: true })
      if (seen.state === 'exited') return lines.map(({ text }) => text)
      await sleep(10)
    }
    throw new Error('the trainer does not end')
  }
  const fetchAll = (urls: string[]) => `(async () => {
    for (const url of ${JSON.stringify(urls)}) {
      try { const r = await fetch(url, { method: 'POST', body: 'x', signal: AbortSignal.timeout(20000) }); console.log(r.status + ' ' + (await r.text()).trim()) }
      catch (e) { console.log('not reached ' + (e.cause?.code ?? e.name)) }
    }
  })()`

  it('reaches the platform at the callback address and nothing else on the machine', async () => {
    await create()
    await open('callback')
    const port = await serve()
    await start(fetchAll(['http://127.0.0.1:7600/v1/jobs/1/events', `http://127.0.0.1:${port}/`, 'http://192.0.2.1/']))
    expect(await outputOf()).toEqual([
      '200 callback /v1/jobs/1/events x',
      'not reached ECONNREFUSED',
      expect.stringMatching(/^not reached (ENETUNREACH|EHOSTUNREACH)/),
    ])
  })

  it('is served by the next runner, and by none in between', async () => {
    await create()
    const first = await open('first')
    const program = `const ask = async () => { try { return await (await fetch('http://127.0.0.1:7600/x')).text() } catch { return 'no answer' } }
      ;(async () => { let last; while (last !== 'second /x ') { const now = await ask(); if (now !== last) console.log(last = now); await new Promise((r) => setTimeout(r, 20)) } process.exit(0) })()`
    await start(program)
    const until = async (text: string) =>
      await expect
        .poll(
          async () => {
            const { lines } = await launcher.logs({ jobId: 1, attempt: 1 }, { stdout: 0, stderr: 0 })
            return lines.map((line) => line.text.trim())
          },
          { timeout: 60_000 },
        )
        .toContain(text)
    await until('first /x')
    await first.close()
    closers.length = 0
    await until('no answer')
    await open('second')
    expect((await outputOf()).map((line) => line.trim())).toEqual(['first /x', 'no answer', 'second /x'])
  })

  it('reaches an object store on the machine, and hosts of its manifest only at public addresses', async () => {
    const store = await serve()
    const other = await serve()
    await create([`127.0.0.1:${store}`])
    await open('callback')
    const urls = [
      `http://127.0.0.1:${store}/bucket/key?signed=1`,
      `http://127.0.0.1:${other}/`,
      'http://127.0.0.1:7600/v1',
      // Through the proxy: a host in the manifest that is internal, and one that is not in it.
      `http://trainer.localhost:${other}/`,
      'http://not-named.example.com/',
    ]
    await start(fetchAll(urls), { networkHosts: ['trainer.localhost', '127.0.0.1', '169.254.169.254'] })
    expect(await outputOf()).toEqual([
      '200 of the machine /bucket/key?signed=1',
      'not reached ECONNREFUSED',
      '200 callback /v1 x',
      expect.stringMatching(/no public address|not a public address|not reached/),
      expect.stringMatching(/not-named.example.com is not in|not reached/),
    ])
  })

  it('is not the parent of its relay, and its exit code is reported', async () => {
    await create()
    await open('callback')
    const script = 'ls -A "$TMPDIR" | grep network$; jobs -p; [ $PPID = 1 ] && exit 7'
    await start('', { argv: ['/bin/sh', '-c', script] })
    expect(await outputOf()).toEqual([])
    expect(await launcher.observe({ jobId: 1, attempt: 1 })).toMatchObject({ exitCode: 7 })
  })

  it('is not launched if it could not reach the callback', async () => {
    await create()
    await expect(start('', {}, 80)).rejects.toThrow(/above 1023.*SUBPROCESS_NETWORK=shared/)
  })

  it('leaves no socket that would block the next runner', async () => {
    await create()
    await open('first')
    const { readdirSync, writeFileSync } = await import('node:fs')
    const gatewayDir = join(dir, 'data', 'attempts', 'gate')
    expect(readdirSync(gatewayDir)).toHaveLength(2)
    // A killed runner leaves a socket on which no process listens.
    writeFileSync(join(gatewayDir, 'callback-dead'), '')
    await open('second')
    expect(readdirSync(gatewayDir)).toHaveLength(4)
    for (const close of closers.splice(0)) await close()
    expect(readdirSync(gatewayDir)).toEqual([])
  })
})
