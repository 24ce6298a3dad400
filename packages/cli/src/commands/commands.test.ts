import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TrainerManifest } from '@trainyard/contract'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runCli } from '../run-cli.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'trainyard-commands-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

async function run(args: string[], env: Record<string, string> = {}) {
  let out = ''
  let err = ''
  const code = await runCli(args, {
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    env: { PATH: process.env.PATH ?? '', ...env },
    cwd: dir,
  })
  return { code, out, err }
}

const list = (path: string) => readdirSync(join(dir, path), { recursive: true }).map(String)

describe('trainyard init', () => {
  it.each(['typescript', 'python'])('makes a whole trainer in %s and says what to type next', async (template) => {
    const { code, out, err } = await run(['init', 'flowers', '--template', template, '--name', 'acme/flowers'])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toContain('trainyard dev train --dataset sample-data')
    const manifest = TrainerManifest.parse(JSON.parse(readFileSync(join(dir, 'flowers/trainer.json'), 'utf8')))
    expect(manifest).toMatchObject({ name: 'acme/flowers', version: '0.1.0', displayName: 'Flowers' })
    expect(list('flowers')).toEqual(expect.arrayContaining(['README.md', 'LICENSE', 'Dockerfile', 'sample-data']))
    expect(list('.')).not.toContainEqual(expect.stringContaining('draft'))
  })

  it('writes nothing at all where a file is in the way, and over it only with --force', async () => {
    mkdirSync(join(dir, 'mine'))
    writeFileSync(join(dir, 'mine/README.md'), 'mine')
    const refused = await run(['init', 'mine'])
    expect(refused).toMatchObject({ code: 3, err: expect.stringContaining('holds README.md already; --force') })
    expect(list('mine')).toEqual(['README.md'])
    expect((await run(['init', 'mine', '--force'])).code).toBe(0)
    expect(readFileSync(join(dir, 'mine/README.md'), 'utf8')).toContain('# Mine')
  })

  it('leaves what else is in the folder alone', async () => {
    writeFileSync(join(dir, 'notes.txt'), 'mine')
    expect((await run(['init', '--name', 'acme/flowers'])).code).toBe(0)
    expect(readFileSync(join(dir, 'notes.txt'), 'utf8')).toBe('mine')
    expect(list('.')).toContain('trainer.json')
  })

  it.each([
    [['--template', 'cobol'], 'there is no template "cobol": wanted typescript or python'],
    [['--name', 'Flowers'], '--name is "Flowers"; it must be "namespace/name"'],
  ])('refuses %j', async (args, message) => {
    const { code, err } = await run(['init', ...args])
    expect(code).toBe(2)
    expect(err).toContain(message)
    expect(list('.')).toEqual([])
  })
})

describe('trainyard cache', () => {
  const hash = 'a'.repeat(64)
  it('lists what is there, and removes what is above the limit', async () => {
    mkdirSync(join(dir, 'cache', hash, 'files'), { recursive: true })
    writeFileSync(join(dir, 'cache', hash, 'files', 'a.png'), 'x'.repeat(2000))
    const env = { DATASET_CACHE_DIR: 'cache' }
    expect((await run(['cache', 'ls'], env)).out).toMatch(/^aaaaaaaaaaaa .*1 dataset, /s)
    const dry = await run(['cache', 'prune', '--max', '0', '--dry-run'], env)
    expect(dry).toMatchObject({ code: 0, out: expect.stringContaining('would go') })
    expect(JSON.parse((await run(['cache', 'ls', '--json'], env)).out).datasets).toHaveLength(1)
    expect((await run(['cache', 'prune', '--max', '0'], env)).out).toContain('1 dataset removed')
    expect(JSON.parse((await run(['cache', 'ls', '--json'], env)).out).datasets).toEqual([])
    expect(await run(['cache', 'verify'], env)).toMatchObject({ code: 0, out: '0 datasets verified\n' })
  })

  it.each([
    [['ls'], 'Give --dir DIR, or set DATASET_CACHE_DIR'],
    [['clean', '--dir', 'x'], 'what to do is "clean"; wanted is ls, prune or verify'],
    [['prune', '--dir', 'x'], 'Give --max GB, or set DATASET_CACHE_MAX_GB'],
    [['prune', '--dir', 'x', '--max', 'lots'], 'the limit is "lots"; wanted is a number of GB'],
  ])('refuses %j', async (args, message) => {
    const { code, err } = await run(['cache', ...args])
    expect(code).toBe(2)
    expect(err).toContain(message)
  })
})

describe('trainyard doctor', () => {
  it('shows where each setting comes from, and masks secrets', async () => {
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

  it('exits with 1 and says what to do when something is wrong', async () => {
    writeFileSync(join(dir, 'trainer.json'), '{}')
    const server = createServer((_request, response) => response.writeHead(401).end())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const env = { TRAINYARD_REGISTRY: url, TRAINYARD_TOKEN: 'ty_wrong', EPOCHS: '3' }
    const { code, out } = await run(['doctor'], env)
    await new Promise((resolve) => server.close(resolve))
    expect(code).toBe(1)
    expect(out).toContain(`${url} refuses the token (401)`)
    expect(out).toContain('Make a new token')
    expect(out).toContain('Correct trainer.json')
    expect(out).toMatch(/\d things are wrong\.\n$/)
  })

  it('names a program that is missing, and a server that does not answer', async () => {
    await run(['init', '--template', 'python', '--name', 'acme/flowers'])
    const { code, out } = await run(['doctor'], { PATH: '/nowhere', TRAINYARD_RUNNER: 'http://127.0.0.1:59999' })
    expect(code).toBe(1)
    expect(out).toContain('python3 is not in PATH')
    expect(out).toMatch(/59999 does not answer \(ECONNREFUSED\)/)
  })
})
