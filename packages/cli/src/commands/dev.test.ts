import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createTrainerFolder, exampleManifest } from '@trainyard/client/testing'
import { startPackageIndex, whyNoEnvironments } from '@trainyard/environments/testing'
import { expect, test } from 'vitest'
import { runCommand } from '../testing/run-command.ts'

const recorder = `
import { writeFileSync } from 'node:fs'
const { OPERATION, CALLBACK_URL, CALLBACK_TOKEN, COLOUR } = process.env
writeFileSync('seen.json', JSON.stringify({ args: process.argv.slice(2), OPERATION, CALLBACK_URL, CALLBACK_TOKEN, COLOUR }))
process.exit(5)
`

test('runs the entry point without a platform, passes arguments on and exits with its code', async () => {
  await using folder = await createTrainerFolder({ 'train.mjs': recorder })
  const env = { PATH: process.env.PATH ?? '', COLOUR: 'red', CALLBACK_URL: 'http://x', CALLBACK_TOKEN: 'secret' }
  const { code } = await runCommand(['dev', 'train', '--epochs', '3', '--help'], { cwd: folder.dir, env })
  expect(code).toBe(5)
  expect(JSON.parse(await readFile(join(folder.dir, 'seen.json'), 'utf8'))).toEqual({
    args: ['--epochs', '3', '--help'],
    OPERATION: 'train',
    COLOUR: 'red',
  })
  await runCommand(['dev', '--epochs', '1'], { cwd: folder.dir, env })
  expect(JSON.parse(await readFile(join(folder.dir, 'seen.json'), 'utf8'))).toMatchObject({ args: ['--epochs', '1'] })
})

test('exits with 128 and the number of the signal that ended the trainer', async () => {
  await using folder = await createTrainerFolder({
    'train.mjs': 'process.kill(process.pid, "SIGKILL"); setInterval(() => {}, 1000)',
  })
  expect((await runCommand(['dev'], { cwd: folder.dir, env: { PATH: process.env.PATH ?? '' } })).code).toBe(137)
})

test('names a missing entry point and a missing program', async () => {
  const entrypoints = { train: ['no-such-program-here'] }
  await using folder = await createTrainerFolder({
    'trainer.json': JSON.stringify({ ...exampleManifest, entrypoints }),
  })
  const exported = await runCommand(['dev', 'export'], { cwd: folder.dir })
  expect(exported).toMatchObject({ code: 2, err: expect.stringContaining('no entry point for export, only for train') })
  const trained = await runCommand(['dev'], { cwd: folder.dir, env: { PATH: process.env.PATH ?? '' } })
  expect(trained).toMatchObject({ code: 3, err: expect.stringContaining('"no-such-program-here"') })
})

test('refuses a number outside of the range in the manifest, with flag and range', async () => {
  const properties = {
    epochs: { type: 'integer', minimum: 1, maximum: 100 },
    learning_rate: { type: 'number', exclusiveMinimum: 0 },
    optimizer: { enum: ['sgd', 'adam'] },
    augment: { type: 'boolean' },
    idle: { type: 'string' },
  }
  await using folder = await createTrainerFolder({
    'train.mjs': recorder,
    'trainer.json': JSON.stringify({
      ...exampleManifest,
      config: { schema: { type: 'object', properties, additionalProperties: false } },
    }),
  })
  const dev = (...args: string[]) =>
    runCommand(['dev', 'train', ...args], { cwd: folder.dir, env: { PATH: process.env.PATH ?? '' } })
  expect(await dev('--epochs', '0')).toMatchObject({
    code: 2,
    err: expect.stringContaining('--epochs is "0": expected a whole number of at least 1 and at most 100'),
  })
  expect((await dev('--learning-rate=0')).err).toContain('--learning-rate is "0": expected a number of more than 0')
  expect((await dev('--epochs', 'many')).err).toContain('--epochs is "many"')
  expect((await dev('--set', 'epochs=0')).err).toContain('--set epochs is "0": expected a whole number of at least 1')
  expect((await dev('--optimizer', 'adm')).err).toContain('--optimizer is "adm": expected one of "sgd", "adam"')
  expect((await dev('--augment', 'maybe')).err).toContain('--augment is "maybe": expected true or false')
  expect((await dev('--set', 'epoch=3')).err).toContain('acme/tiny has no setting "epoch"; did you mean "epochs"?')
  expect((await dev('--set', 'idle=1', '--set', 'augment=true', '--set', 'patience=3')).code).toBe(5)
  expect((await dev('--epochs', '100', '--learning-rate', '0.5', '--other')).code).toBe(5)
})

const reason = await whyNoEnvironments()
if (reason !== undefined) console.warn(`SKIPPED: dev with a Python environment. ${reason}`)

test.skipIf(reason !== undefined)(
  'makes the Python environment once, and names a package that is not declared',
  async () => {
    const index = await startPackageIndex()
    index.addWheel('alpha')
    await using folder = await createTrainerFolder({
      'requirements.txt': 'alpha\n',
      'train.py': 'import alpha, sys; print(alpha.version); import sklearn.metrics',
      'trainer.json': JSON.stringify({
        ...exampleManifest,
        entrypoints: { train: ['python', 'train.py'] },
        runtime: { python: '>=3.9', dependencies: 'requirements.txt' },
      }),
    })
    const env = {
      PATH: process.env.PATH ?? '',
      HOME: process.env.HOME ?? '',
      UV_PATH: process.env.UV_PATH ?? '',
      PYTHON_INDEX_URL: index.url,
      PYTHON_ENVIRONMENTS_DIR: join(folder.dir, 'environments'),
      UV_CACHE_DIR: join(folder.dir, 'cache'),
    }
    const first = await runCommand(['dev'], { cwd: folder.dir, env })
    expect(first.err).toContain('Preparing the Python environment of requirements.txt')
    expect(first.err).toMatch(
      /The package "scikit-learn" \(module "sklearn"\) is not installed for \S+\/bin\/python, which looked for it. Add it to requirements.txt/,
    )
    expect(first.code).toBe(1)
    const second = await runCommand(['dev'], { cwd: folder.dir, env })
    expect(second.err).not.toContain('Preparing')
    await writeFile(join(folder.dir, 'requirements.txt'), 'no-such-package\n')
    const missing = await runCommand(['dev'], { cwd: folder.dir, env })
    expect(missing.err).toContain('requirements.txt:1: the package "no-such-package" does not exist')
    expect(missing.err.match(/No solution found/g)).toHaveLength(1)
    await index.close()
  },
)

test.skipIf(reason !== undefined)(
  'without "runtime" uses the Python of PATH, and says which one lacks a package',
  async () => {
    await using folder = await createTrainerFolder({
      'train.py': 'import no_such_module_here',
      'trainer.json': JSON.stringify({ ...exampleManifest, entrypoints: { train: ['python3', 'train.py'] } }),
    })
    const { err } = await runCommand(['dev'], { cwd: folder.dir, env: { PATH: process.env.PATH ?? '' } })
    expect(err).toMatch(/"no-such-module-here" .* is not installed for \S+\/python3, .*add "runtime"/)
  },
)
