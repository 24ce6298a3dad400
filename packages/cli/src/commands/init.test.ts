import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TrainerManifest } from '@trainyard/contract'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { runCommand } from '../testing/run-command.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'trainyard-commands-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const run = (args: string[], env: Record<string, string> = {}) =>
  runCommand(args, { cwd: dir, env: { PATH: process.env.PATH ?? '', ...env } })

const list = (path: string) => readdirSync(join(dir, path), { recursive: true }).map(String)

describe('trainyard init', () => {
  it.each(['typescript', 'plain', 'python', 'timm', 'huggingface', 'lightning', 'ultralytics'])(
    'creates a complete trainer in %s and prints the next steps',
    async (template) => {
      const { code, out, err } = await run(['init', 'flowers', '--template', template, '--name', 'acme/flowers'])
      expect({ code, err }).toEqual({ code: 0, err: '' })
      expect(out).toContain('trainyard dev train --dataset sample-data')
      const manifest = TrainerManifest.parse(JSON.parse(readFileSync(join(dir, 'flowers/trainer.json'), 'utf8')))
      expect(manifest).toMatchObject({ name: 'acme/flowers', version: '0.1.0', displayName: 'Flowers' })
      const kept = ['typescript', 'python'].includes(template) ? 'Dockerfile' : 'requirements.txt'
      expect(list('flowers')).toEqual(
        expect.arrayContaining([
          'README.md',
          'LICENSE',
          kept,
          'sample-data',
          '.editorconfig',
          '.github/workflows/ci.yml',
        ]),
      )
      expect(list('.')).not.toContainEqual(expect.stringContaining('draft'))
    },
  )

  it('takes a licence, and declares what its programs need', async () => {
    await run(['init', 'flowers', '--name', 'acme/flowers', '--license', 'MIT'])
    const read = (file: string) => readFileSync(join(dir, 'flowers', file), 'utf8')
    expect(read('LICENSE')).toContain('MIT License')
    expect(JSON.parse(read('trainer.json')).license).toBe('MIT')
    const pack = JSON.parse(read('package.json'))
    expect(pack).toMatchObject({ license: 'MIT', engines: { node: '>=22.19' }, scripts: { check: 'tsc' } })
    expect(Object.keys(pack.devDependencies)).toEqual(expect.arrayContaining(['typescript', '@types/node']))
    const workflow = parse(read('.github/workflows/ci.yml'))
    expect(workflow.jobs.test.steps.map(({ run }: { run?: string }) => run)).toContain('npm test')
    expect(read('.trainyardignore').split('\n')).toContain('.github')
  })

  it('gives a trainer with Ultralytics the licence of Ultralytics, and no other', async () => {
    await run(['init', 'yolo', '--template', 'ultralytics', '--name', 'acme/yolo'])
    expect(readFileSync(join(dir, 'yolo/LICENSE'), 'utf8')).toContain('GNU AFFERO GENERAL PUBLIC LICENSE')
    expect(JSON.parse(readFileSync(join(dir, 'yolo/trainer.json'), 'utf8')).license).toBe('AGPL-3.0-only')
    const refused = await run(['init', 'other', '--template', 'ultralytics', '--licence', 'MIT'])
    expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('Ultralytics is licensed under AGPL-3.0') })
    expect(list('.')).not.toContain('other')
  })

  it('derives the namespace from git, and never uses that of a shared account', async () => {
    writeFileSync(join(dir, 'gitconfig'), '[user]\n\tname = Ada Lovelace\n[github]\n\tuser = ada-l\n')
    const { env } = process
    const before = { file: env.GIT_CONFIG_GLOBAL, system: env.GIT_CONFIG_NOSYSTEM }
    Object.assign(env, { GIT_CONFIG_GLOBAL: join(dir, 'gitconfig'), GIT_CONFIG_NOSYSTEM: '1' })
    try {
      expect(JSON.parse((await run(['init', 'flowers', '--json'])).out).name).toBe('ada-l/flowers')
      writeFileSync(join(dir, 'gitconfig'), '')
      const { name } = JSON.parse((await run(['init', 'trees', '--json'])).out)
      expect(name).toMatch(/^[a-z0-9-]+\/trees$/)
      expect(name).not.toMatch(/^(root|runner|node)\//)
    } finally {
      for (const [name, value] of [
        ['GIT_CONFIG_GLOBAL', before.file],
        ['GIT_CONFIG_NOSYSTEM', before.system],
      ] as const)
        if (value === undefined) delete env[name]
        else env[name] = value
    }
  })

  it('writes nothing if a file exists, and overwrites it only with --force', async () => {
    mkdirSync(join(dir, 'mine'))
    writeFileSync(join(dir, 'mine/README.md'), 'mine')
    const refused = await run(['init', 'mine'])
    expect(refused).toMatchObject({ code: 3, err: expect.stringContaining('already contains README.md: use --force') })
    expect(list('mine')).toEqual(['README.md'])
    expect((await run(['init', 'mine', '--force'])).code).toBe(0)
    expect(readFileSync(join(dir, 'mine/README.md'), 'utf8')).toContain('# Mine')
  })

  it('explains a folder that cannot be written, and prints JSON', async () => {
    writeFileSync(join(dir, 'file'), '')
    const refused = await run(['init', 'file/flowers', '--name', 'acme/flowers', '--json'])
    expect(refused.code).toBe(3)
    expect(JSON.parse(refused.out).error.message).toMatch(/\/file: .+ \((ENOTDIR|EEXIST)\)$/)
    const { out } = await run(['init', "Ada's trainer", '--name', 'acme/flowers', '--json'])
    expect(JSON.parse(out)).toMatchObject({ name: 'acme/flowers', files: expect.arrayContaining(['trainer.json']) })
    expect(JSON.parse(out).next[0]).toBe("cd 'Ada'\\''s trainer'")
  })

  it('does not change other files of the folder', async () => {
    writeFileSync(join(dir, 'notes.txt'), 'mine')
    expect((await run(['init', '--name', 'acme/flowers'])).code).toBe(0)
    expect(readFileSync(join(dir, 'notes.txt'), 'utf8')).toBe('mine')
    expect(list('.')).toContain('trainer.json')
  })

  it.each([
    [
      ['--template', 'cobol'],
      '--template is "cobol": expected typescript, plain, python, timm, huggingface, lightning or ultralytics',
    ],
    [['--name', 'Flowers'], '--name is "Flowers": it must be "namespace/name"'],
  ])('refuses %j', async (args, message) => {
    const { code, err } = await run(['init', ...args])
    expect(code).toBe(2)
    expect(err).toContain(message)
    expect(list('.')).toEqual([])
  })
})
