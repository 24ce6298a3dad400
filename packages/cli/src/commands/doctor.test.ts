import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runCommand } from '../testing/run-command.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'trainyard-commands-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const run = (args: string[], env: Record<string, string> = {}) =>
  runCommand(args, { cwd: dir, env: { PATH: process.env.PATH ?? '', HOME: dir, ...env } })

describe('trainyard doctor', () => {
  it('shows the source of each setting, and masks secrets', async () => {
    await run(['init', '--template', 'typescript', '--name', 'acme/flowers'])
    writeFileSync(join(dir, 'config.json'), '{"basic":{"seed":7}}')
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
    expect(out).toMatch(/59999 does not answer \(ECONNREFUSED\)/)
  })
})
