import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TrainerManifest } from '@trainyard/contract'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runCommand } from '../testing/run-command.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'trainyard-add-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const run = (args: string[], cwd = dir) => runCommand(args, { cwd, env: { PATH: process.env.PATH ?? '' } })
const read = (file: string) => readFileSync(join(dir, file), 'utf8')
const manifest = () => TrainerManifest.parse(JSON.parse(read('trainer.json')))
const init = (template: string) => run(['init', '.', '--template', template, '--name', 'acme/flowers'])

/** As a trainer that was made without it. */
function leaveOut(operation: 'predict' | 'export') {
  const { entrypoints, ...others } = JSON.parse(read('trainer.json'))
  delete entrypoints[operation]
  writeFileSync(join(dir, 'trainer.json'), JSON.stringify({ entrypoints, ...others }, null, '\t'))
}

describe('trainyard add', () => {
  it.each([
    ['typescript', 'src/export.ts', ['node', 'dist/export.js']],
    ['plain', 'export.py', ['python', 'export.py']],
    ['python', 'export.py', ['python3', 'export.py']],
    ['timm', 'export.py', ['python', 'export.py']],
    ['huggingface', 'export.py', ['python', 'export.py']],
    ['lightning', 'export.py', ['python', 'export.py']],
  ])(
    'adds an export to a trainer of the template %s, and changes nothing the second time',
    async (template, file, entrypoint) => {
      await init(template)
      const before = manifest()
      const { code, out, err } = await run(['add', 'export'])
      expect({ code, err }).toEqual({ code: 0, err: '' })
      expect(out).toContain(`Added export to acme/flowers: created ${file}, changed trainer.json.`)
      expect(out).toContain('npx trainyard dev export --format checkpoint --checkpoint ')
      expect(out).not.toContain('Dockerfile')
      expect(out).not.toContain('build.ts')
      expect(manifest()).toEqual({
        ...before,
        entrypoints: { ...before.entrypoints, export: entrypoint },
        exportFormats: ['checkpoint'],
      })
      const files = readdirSync(dir, { recursive: true }).map((name) => [String(name), name])
      const text = read('trainer.json')
      const again = await run(['add', 'export'])
      expect(again).toEqual({
        code: 0,
        err: '',
        out: 'acme/flowers has the operation export already: nothing was changed.\n',
      })
      expect(read('trainer.json')).toBe(text)
      expect(readdirSync(dir, { recursive: true }).map((name) => [String(name), name])).toEqual(files)
    },
  )

  it('names what is left to write for another format', async () => {
    await init('plain')
    const { out } = await run(['add', 'export', '--format', 'onnx', '--json'])
    expect(JSON.parse(out)).toMatchObject({
      operation: 'export',
      created: ['export.py'],
      changed: ['trainer.json'],
      next: [
        'write the marked lines of export.py',
        'npx trainyard dev export --format onnx --checkpoint runs/1/best.json',
      ],
    })
    expect(manifest().exportFormats).toEqual(['onnx'])
    expect(read('export.py')).toContain('export.py does not write {job.export_format} yet')
    const more = JSON.parse((await run(['add', 'export', '--format', 'tflite', '--json'])).out)
    expect(more).toMatchObject({ created: [], changed: [], next: [expect.stringContaining('write tflite')] })
  })

  it.each(['typescript', 'plain', 'python'])('adds predict to a trainer in %s that leaves it out', async (template) => {
    await init(template)
    leaveOut('predict')
    const { code, out } = await run(['add', 'predict'])
    expect(code).toBe(0)
    expect(out).toContain('npx trainyard dev predict --images sample-data/test')
    expect(manifest().entrypoints.predict?.at(-1)).toMatch(/predict\.(js|py)$/)
    expect(manifest().exportFormats).toEqual([])
    // The indentation is that of the file.
    expect(read('trainer.json').split('\n')[1]).toMatch(/^\t"entrypoints"/)
  })

  it('keeps a file that exists', async () => {
    await init('plain')
    writeFileSync(join(dir, 'export.py'), '# mine\n')
    const { out } = await run(['add', 'export'])
    expect(out).toContain('changed trainer.json. Its program exists already and was kept.')
    expect(read('export.py')).toBe('# mine\n')
    expect(manifest().entrypoints.export).toEqual(['python', 'export.py'])
  })

  it('names what must be changed in older projects', async () => {
    await init('typescript')
    writeFileSync(join(dir, 'build.ts'), "await build({ entryPoints: ['src/main.ts'] })\n")
    expect((await run(['add', 'export'])).out).toContain('  add src/export.ts to the programs of build.ts\n')
    rmSync(join(dir, 'trainer.json'))
    await run(['init', '.', '--template', 'python', '--name', 'acme/flowers', '--force'])
    writeFileSync(join(dir, 'Dockerfile'), 'FROM node\nCOPY trainer.json train.py ./\n')
    expect((await run(['add', 'export'])).out).toContain('  add export.py to a COPY of the Dockerfile\n')
  })

  it('finds the script behind the program that starts it', async () => {
    await init('plain')
    const { entrypoints, bridge: _, ...others } = JSON.parse(read('trainer.json'))
    entrypoints.train = ['trainyard', 'exec', '--', 'uv', 'run', 'code/train.py', '--fast']
    writeFileSync(join(dir, 'trainer.json'), JSON.stringify({ entrypoints, ...others }))
    await run(['add', 'export'])
    expect(manifest().entrypoints.export).toEqual(['trainyard', 'exec', '--', 'uv', 'run', 'code/export.py'])
  })

  it.each([
    [['add', 'training'], 2, 'OPERATION is "training": expected predict or export'],
    [['add', 'predict', '--format', 'onnx'], 2, 'only "trainyard add export" has a format'],
    [['add', 'export', '--format', 'ON NX'], 2, '--format is "ON NX": it must be lower-case letters'],
  ])('refuses %j', async (args, code, message) => {
    await init('plain')
    const refused = await run(args)
    expect(refused).toMatchObject({ code, err: expect.stringContaining(message) })
  })

  it('explains a folder without a trainer, and an entry point that it cannot extend', async () => {
    expect(await run(['add', 'export'])).toMatchObject({ code: 3, err: expect.stringContaining('trainer.json') })
    await init('python')
    const value = JSON.parse(read('trainer.json'))
    value.entrypoints.train = ['sh', 'run.sh']
    writeFileSync(join(dir, 'trainer.json'), JSON.stringify(value))
    const refused = await run(['add', 'export'])
    expect(refused.err).toContain('entrypoints.train of trainer.json is ["sh","run.sh"]: expected a program in')
    expect(readdirSync(dir)).not.toContain('export.py')
  })
})
