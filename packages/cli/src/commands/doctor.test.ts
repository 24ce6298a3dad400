import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runCommand } from '../testing/run-command.ts'

/** Certificates of no one: valid in 2020, and from 2020 to 2120. */
const EXPIRED = `-----BEGIN CERTIFICATE-----
MIIBCTCBr6ADAgECAgEBMAoGCCqGSM49BAMCMA4xDDAKBgNVBAMMA29sZDAeFw0y
MDAxMDEwMDAwMDBaFw0yMTAxMDEwMDAwMDBaMA4xDDAKBgNVBAMMA29sZDBZMBMG
ByqGSM49AgEGCCqGSM49AwEHA0IABFULIrGadlrh3RfPfkQaNfJ+H8Qw3Xd52Hxj
8FnMFhQJxcKO6WTc/9AZzfiXH8ygmIaLvgE/lH2LmYXmq5yE0yYwCgYIKoZIzj0E
AwIDSQAwRgIhAL3RbOyJquGRDRM6muIzbe45zKAoHthby3TB2rtcz6+gAiEA0jOD
LtlbmmXnqrOMvlrG+2utPUiFfek2//RFE8fkiM0=
-----END CERTIFICATE-----`
const CURRENT = `-----BEGIN CERTIFICATE-----
MIIBETCBuaADAgECAgEBMAoGCCqGSM49BAMCMBIxEDAOBgNVBAMMB2N1cnJlbnQw
IBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBIxEDAOBgNVBAMMB2N1
cnJlbnQwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARa+sZ3vlNFrLBtMUyJNHnQ
cQXrhb7dY+FteSeElWJ7APqzDz0Dw7fEyLP4S5lvMsn/KQg8Y/8bN1EApFEUM3IS
MAoGCCqGSM49BAMCA0cAMEQCIHHQr4OA4sv2bxjpZ2fIu4SYS1bKCS6PiWnC737H
g/HxAiBqLmvuXcp0AJqW8pwG+U2+KUbSzJLTzBncfajoy5HP/w==
-----END CERTIFICATE-----`

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'trainyard-commands-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

// The engine of this machine plays no part, whatever its state.
const NO_ENGINE = 'tcp://127.0.0.1:1'
const run = (args: string[], env: Record<string, string> = {}) =>
  runCommand(args, { cwd: dir, env: { PATH: process.env.PATH ?? '', HOME: dir, DOCKER_HOST: NO_ENGINE, ...env } })

describe('trainyard doctor', () => {
  it('shows the source of each setting, and masks secrets', async () => {
    await run(['init', '--template', 'typescript', '--name', 'acme/flowers'])
    writeFileSync(join(dir, 'config.json'), '{"basic":{"seed":7}}')
    // As after npm install and npm run build.
    const { dependencies, devDependencies } = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8'))
    for (const name of Object.keys({ ...dependencies, ...devDependencies }))
      mkdirSync(join(dir, 'node_modules', name), { recursive: true })
    writeFileSync(
      join(dir, 'package-lock.json'),
      JSON.stringify({ packages: { '': { dependencies, devDependencies } } }),
    )
    mkdirSync(join(dir, 'dist'))
    writeFileSync(join(dir, 'dist/main.js'), '')
    const secret = 'ty_very-secret-token-of-mine'
    const { code, out } = await run(['doctor', '--json'], {
      TRAINYARD_TOKEN: secret,
      CONFIG_FILE: join(dir, 'config.json'),
      EPOCHS: '4',
    })
    expect(code, out).toBe(0)
    expect(out).not.toContain(secret)
    const { settings, variables } = JSON.parse(out)
    expect(settings).toEqual(
      expect.arrayContaining([
        { name: 'epochs', value: '4', source: 'EPOCHS' },
        { name: 'seed', value: '7', source: join(dir, 'config.json') },
        { name: 'imgsz', value: '8', source: 'trainer.json' },
        { name: 'workers', value: '8', source: 'default' },
      ]),
    )
    expect(variables).toContainEqual({
      name: 'TRAINYARD_TOKEN',
      value: 'ty_v… (28 characters)',
      source: 'TRAINYARD_TOKEN',
    })
  })

  it('exits with 1 for problems, and tells what to do', async () => {
    writeFileSync(join(dir, 'trainer.json'), '{}')
    const server = createServer((_request, response) => response.writeHead(401).end())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const env = { TRAINYARD_REGISTRY: url, TRAINYARD_TOKEN: 'ty_wrong', EPOCHS: '3' }
    const { code, out } = await run(['doctor'], env)
    await new Promise((resolve) => server.close(resolve))
    expect(code).toBe(1)
    expect(out).toContain(`${url} refuses the token (401)`)
    expect(out).toContain('Create a new token')
    expect(out).toContain('Correct trainer.json')
    expect(out).toMatch(/\d problems\.\n$/)
  })

  it('checks the server of the saved login, with the saved token', async () => {
    const server = createServer((request, response) =>
      response
        .writeHead(request.headers.authorization === 'Bearer ty_saved' || !request.url?.startsWith('/v2') ? 200 : 401)
        .end(),
    )
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    mkdirSync(join(dir, 'config/trainyard'), { recursive: true })
    writeFileSync(join(dir, 'config/trainyard/login.json'), JSON.stringify({ url, token: 'ty_saved' }))
    const env = { XDG_CONFIG_HOME: join(dir, 'config') }
    const { code, out } = await run(['doctor'], env)
    await new Promise((resolve) => server.close(resolve))
    expect(code, out).toBe(0)
    expect(out).toMatch(new RegExp(`Registry +${url}, accepts the token`))
    expect(out).toMatch(new RegExp(`Runner +${url}, accepts the token\n`))
    const gone = await run(['doctor'], env)
    expect(gone.code).toBe(1)
    expect(gone.out).toContain('Start it, or correct the address saved by "trainyard login"')
  })

  it('names a missing program and a server that does not answer', async () => {
    await run(['init', '--template', 'python', '--name', 'acme/flowers'])
    const { code, out } = await run(['doctor'], { PATH: '/nowhere', TRAINYARD_RUNNER: 'http://127.0.0.1:59999' })
    expect(code).toBe(1)
    expect(out).toContain('python3 is not in PATH')
    expect(out).toMatch(/No answer from http:\/\/127.0.0.1:59999: nothing listens there/)
  })

  it('compares the lock file with package.json, and finds what is not installed or built', async () => {
    await run(['init', '--template', 'typescript', '--name', 'acme/flowers'])
    const problems = async () => {
      const { checks } = JSON.parse((await run(['doctor', '--json'])).out)
      return checks
        .filter(({ status }: { status: string }) => status === 'problem')
        .map(({ name, text }: { name: string; text: string }) => `${name}: ${text}`)
    }
    expect(await problems()).toEqual([
      'Programs: dist/main.js does not exist',
      'Lock: package-lock.json does not exist',
    ])
    const { dependencies, devDependencies } = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8'))
    const lock = (changes: object) =>
      writeFileSync(
        join(dir, 'package-lock.json'),
        JSON.stringify({
          packages: { '': { dependencies: Object.assign({}, dependencies, changes), devDependencies } },
        }),
      )
    lock({ 'fast-png': '^1.0.0' })
    expect(await problems()).toContain('Lock: package-lock.json has another version of fast-png than package.json')
    lock({})
    expect(await problems()).toContainEqual(expect.stringMatching(/^Lock: not installed: @trainyard\/sdk, /))
  })

  it('finds a clock that is wrong, another version of the API, and what a token is allowed to do', async () => {
    let date = new Date(Date.now() - 300_000)
    let version = '1'
    const me = {
      account: {
        id: 'acc_1',
        email: 'ada@example.com',
        displayName: 'Ada',
        createdAt: '2026-01-01T00:00:00Z',
        operator: false,
      },
      credentials: 'token',
      scopes: ['jobs:write', 'push:other'],
      organisations: [],
      projects: [],
      expiresAt: new Date(Date.now() + 30.5 * 86_400_000).toISOString(),
    }
    const server = createServer((request, response) => {
      response.setHeader('date', date.toUTCString()).setHeader('content-type', 'application/json')
      if (request.url === '/openapi.json') response.end(JSON.stringify({ info: { version } }))
      else response.end(request.url === '/v1/me' ? JSON.stringify(me) : '{}')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    await run(['init', '--template', 'python', '--name', 'acme/flowers'])
    const doctor = async () => (await run(['doctor'], { TRAINYARD_REGISTRY: url, TRAINYARD_TOKEN: 'ty_one' })).out
    const late = await doctor()
    expect(late).toMatch(/Clock +this machine is 5 min( \S+ s)? ahead of the server/)
    expect(late).toMatch(/Token +of Ada, jobs:write, push:other, expires on 20/)
    expect(late).toContain('It cannot publish acme/flowers: trainyard tokens create NAME --scope push:acme')
    date = new Date()
    version = '2'
    me.expiresAt = new Date(Date.now() + 86_400_000).toISOString()
    const other = await doctor()
    await new Promise((resolve) => server.close(resolve))
    expect(other).toMatch(/Clock +agrees with that of the server/)
    expect(other).toContain('speaks version 2 of the API')
    expect(other).toContain('Create a new one: trainyard tokens create NAME')
  })

  it('finds a proxy that does not answer, a file of authorities without one, and no Docker engine', async () => {
    const { code, out } = await run(['doctor'], {
      HTTPS_PROXY: 'http://127.0.0.1:59998',
      NODE_EXTRA_CA_CERTS: join(dir, 'none.pem'),
      DOCKER_HOST: `unix://${join(dir, 'docker.sock')}`,
    })
    expect(code).toBe(1)
    expect(out).toMatch(/Proxy +127.0.0.1:59998 does not answer \(ECONNREFUSED\)/)
    expect(out).toMatch(/Authorities +\S+none.pem cannot be read \(ENOENT\), so Node.js ignores it/)
    expect(out).toMatch(/Docker +no engine at \S+docker.sock/)
    // A file where the socket was: connections are refused.
    writeFileSync(join(dir, 'docker.sock'), '')
    const stopped = await run(['doctor'], { DOCKER_HOST: `unix://${join(dir, 'docker.sock')}` })
    expect(stopped.out).toMatch(/the engine at \S+docker.sock does not answer \(.*ECONNREFUSED/)
    expect((await run(['doctor'], { HTTP_PROXY: 'proxy:3128' })).out).toContain('HTTP_PROXY is "proxy:3128"')
    writeFileSync(join(dir, 'none.pem'), 'nothing')
    const { out: empty } = await run(['doctor'], { NODE_EXTRA_CA_CERTS: join(dir, 'none.pem') })
    expect(empty).toMatch(/none.pem contains no certificate/)
  })

  it('accepts a file of authorities unless all of them have expired', async () => {
    const file = join(dir, 'authorities.pem')
    const check = async () => {
      const { checks } = JSON.parse((await run(['doctor', '--json'], { NODE_EXTRA_CA_CERTS: file })).out)
      return checks.find(({ name }: { name: string }) => name === 'Authorities')
    }
    writeFileSync(file, EXPIRED)
    expect(await check()).toMatchObject({ status: 'problem', text: expect.stringContaining('CN=old expired on') })
    writeFileSync(file, `${EXPIRED}\n${CURRENT}`)
    expect(await check()).toEqual({ name: 'Authorities', status: 'ok', text: `${file}: 2 certificates` })
  })
})
