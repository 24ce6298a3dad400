import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPackageIndex, whyNoEnvironments } from '@trainyard/environments/testing'
import { expect, test } from 'vitest'
import { runCommand } from '../testing/run-command.ts'

const reason = await whyNoEnvironments()
if (reason !== undefined) console.warn(`SKIPPED: the template plain in a Python environment. ${reason}`)

const SOURCE = join(import.meta.dirname, '../../../../python/src/trainyard_sdk')

test.skipIf(reason !== undefined)(
  'a trainer of the template plain trains and predicts with trainyard-sdk in its environment',
  async () => {
    const dir = mkdtempSync(join(tmpdir(), 'trainyard-init-plain-'))
    const index = await startPackageIndex()
    try {
      const files = readdirSync(SOURCE).filter((name) => /\.(py|typed)$/.test(name))
      const hash = index.addWheel('trainyard-sdk', {
        version: '0.1.0',
        files: Object.fromEntries(files.map((name) => [`trainyard_sdk/${name}`, readFileSync(join(SOURCE, name))])),
      })
      const env = {
        PATH: process.env.PATH ?? '',
        HOME: process.env.HOME ?? '',
        UV_PATH: process.env.UV_PATH ?? '',
        PYTHON_INDEX_URL: index.url,
        PYTHON_ENVIRONMENTS_DIR: join(dir, 'environments'),
      }
      expect((await runCommand(['init', 'flowers', '--template', 'plain'], { cwd: dir, env })).code).toBe(0)
      const cwd = join(dir, 'flowers')
      // The package as it is here, and not as it was published.
      writeFileSync(join(cwd, 'requirements.txt'), `trainyard-sdk==0.1.0 --hash=${hash}\n`)
      const trained = await runCommand(['dev', 'train', '--dataset', 'sample-data', '--epochs', '20'], { cwd, env })
      expect(trained.code, trained.err + trained.out).toBe(0)
      expect(readdirSync(join(cwd, 'runs/1'))).toEqual(expect.arrayContaining(['best.json', 'last.json']))
      // A pipe that is left there would fail the checks of the registry.
      expect(existsSync(join(cwd, 'runs/1/work/exec/events'))).toBe(false)
      const predict = ['dev', 'predict', '--images', 'sample-data/test', '--checkpoint', 'runs/1/best.json']
      const predicted = await runCommand(predict, { cwd, env })
      expect(predicted.code, predicted.err + predicted.out).toBe(0)
    } finally {
      await index.close()
      rmSync(dir, { recursive: true, force: true })
    }
  },
)
