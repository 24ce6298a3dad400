import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { PACKAGE, runPythonTests, runThere } from './support/python-tests.ts'

/** The newest that can be had, the oldest that is supported, and one between. */
const VERSIONS = ['3.9', '3.11', '3.13']
const MAX_WHEEL_BYTES = 60_000
const uv = process.env.UV_PATH ?? 'uv'
const hasUv = (await runThere(uv, ['--version']).catch(() => undefined))?.code === 0
if (!hasUv) console.warn('skipped: these tests need a uv that runs: UV_PATH, or `pip install uv`')

/** uv does not look there. */
function ofPyenv(version: string): string | undefined {
  const versions = join(process.env.PYENV_ROOT ?? join(homedir(), '.pyenv'), 'versions')
  const found = existsSync(versions) ? readdirSync(versions).find((name) => name.startsWith(`${version}.`)) : undefined
  return found === undefined ? undefined : join(versions, found, 'bin/python')
}

describe.skipIf(!hasUv)('the Python package', () => {
  const folder = mkdtempSync(join(tmpdir(), 'trainyard-python-versions-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it.for(VERSIONS)('passes its tests on Python %s', async (version, { skip }) => {
    const venv = join(folder, version)
    const made = await runThere(uv, ['venv', '--quiet', '--python', ofPyenv(version) ?? version, venv])
    if (made.code !== 0) {
      console.warn(`skipped: uv cannot get Python ${version}: ${made.output.trim()}`)
      skip()
    }
    const { code, output } = await runPythonTests(join(venv, 'bin/python'))
    expect(code, output).toBe(0)
  })

  it('is a small wheel of its own files, with its types, that runs where it is installed', async () => {
    const built = await runThere(uv, ['build', '--quiet', '--wheel', '--out-dir', join(folder, 'dist'), PACKAGE])
    expect(built.code, built.output).toBe(0)
    const [wheel = ''] = readdirSync(join(folder, 'dist')).filter((name) => name.endsWith('.whl'))
    const path = join(folder, 'dist', wheel)
    expect(statSync(path).size).toBeLessThan(MAX_WHEEL_BYTES)
    // The same source gives the same wheel, so that examples, templates and trainers can name its hash before it is published.
    const hash = createHash('sha256').update(readFileSync(path)).digest('hex')
    for (const folder of ['examples/python-with-sdk', 'trainers/timm', 'trainers/huggingface', 'trainers/ultralytics'])
      expect(readFileSync(join(PACKAGE, '..', folder, 'requirements.txt'), 'utf8'), folder).toContain(hash)
    const venv = join(folder, 'installed')
    await runThere(uv, ['venv', '--quiet', venv])
    const python = join(venv, 'bin/python')
    const installed = await runThere(uv, ['pip', 'install', '--quiet', '--offline', '--python', python, path])
    expect(installed.code, installed.output).toBe(0)
    const code = [
      'import importlib.metadata as m, os, trainyard_sdk',
      'assert m.version("trainyard-sdk") == trainyard_sdk.__version__',
      'assert not m.requires("trainyard-sdk")',
      'assert os.path.exists(os.path.join(os.path.dirname(trainyard_sdk.__file__), "py.typed"))',
    ].join('\n')
    const { code: exit, output } = await runThere(python, ['-c', code])
    expect(exit, output).toBe(0)
  })
})

/** One environment with the newest frameworks that were tested, and one with older ones. */
const FRAMEWORKS = ['PYTHON_WITH_FRAMEWORKS', 'PYTHON_WITH_OLDER_FRAMEWORKS']
const ADAPTERS = ['transformers', 'lightning', 'timm', 'ultralytics']

describe.for(FRAMEWORKS)('the adapters of the Python package, with %s', (variable) => {
  const python = process.env[variable]
  if (python === undefined) console.warn(`skipped: ${variable} is not set: eval "$(.ci/python-frameworks env)"`)

  it.skipIf(python === undefined).for(ADAPTERS)(
    '%s reports a training, continues it and ends it on a cancel',
    { timeout: 600_000 },
    async (adapter) => {
      const args = ['-W', 'ignore', '-m', 'unittest', 'discover', '-s', 'tests', '-p', `test_${adapter}.py`]
      const { code, output } = await runThere(python ?? '', args)
      expect(code, output).toBe(0)
      expect(output).not.toContain('skipped')
    },
  )
})
