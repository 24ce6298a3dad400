import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type PackageIndex, startPackageIndex } from '../testing/package-index.ts'
import { whyNoEnvironments } from '../testing/uv.ts'
import { type ImageTarget, type InstallForImageOptions, installForImage } from './install-for-image.ts'

const reason = await whyNoEnvironments()
if (reason !== undefined) console.warn(`SKIPPED: Python environments. ${reason}`)

describe.skipIf(reason !== undefined)('the environment of an image', () => {
  let index: PackageIndex
  let alpha: string
  let dir: string
  beforeAll(async () => {
    index = await startPackageIndex()
    const files = {
      'alpha.py': 'def main(): pass\n',
      'alpha-1.0.dist-info/entry_points.txt': '[console_scripts]\nalpha = alpha:main\n',
    }
    alpha = index.addWheel('alpha', { files })
    index.addSource('source-only', 'def build_wheel(*args): raise SystemExit("it must not run")\n')
  })
  afterAll(() => index.close())
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'trainyard-for-image-'))
    await mkdir(join(dir, 'trainer'))
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  const target: ImageTarget = {
    name: 'python:3.11-slim',
    pythonVersion: '3.11',
    pythonHome: '/usr/local/bin',
    libc: 'glibc',
    architecture: 'amd64',
  }
  const install = async (
    requirements: string,
    { python = '>=3.9', ...options }: Partial<InstallForImageOptions> & { python?: string } = {},
    over: Partial<ImageTarget> = {},
  ) => {
    await writeFile(join(dir, 'trainer', 'requirements.txt'), requirements)
    const env = {
      ...process.env,
      PYTHON_INDEX_URL: index.url,
      UV_CACHE_DIR: join(dir, 'cache'),
      UV_HTTP_RETRIES: '0',
    }
    const into = join(dir, 'into')
    const manifest = {
      runtime: { python, dependencies: 'requirements.txt' as const },
      entrypoints: { train: ['python', 'train.py'] },
    }
    const given = { path: '/opt/environment', into, env, ...options }
    return { file: await installForImage(join(dir, 'trainer'), manifest, { ...target, ...over }, given), into }
  }

  it('is a virtual environment for the Python of the image, whatever this machine has', async () => {
    const { file, into } = await install(`alpha==1.0 --hash=${alpha}\n`, {}, { architecture: 'arm64' })
    expect(file).toBe('requirements.txt')
    expect(await readFile(join(into, 'pyvenv.cfg'), 'utf8')).toBe(
      'home = /usr/local/bin\ninclude-system-site-packages = false\nversion = 3.11\n',
    )
    const site = join(into, 'lib/python3.11/site-packages')
    expect(await readdir(site)).toEqual(expect.arrayContaining(['alpha.py', 'alpha-1.0.dist-info']))
    const script = await readFile(join(into, 'bin/alpha'), 'utf8')
    expect(script.split('\n')[0]).toBe('#!/opt/environment/bin/python')
    // It would have the hash of a script with the path of this machine's Python.
    expect(await readFile(join(site, 'alpha-1.0.dist-info/RECORD'), 'utf8')).not.toContain('bin/alpha')
  })

  it('refuses packages without hashes, unless they are accepted', async () => {
    await expect(install('alpha==1.0\n')).rejects.toThrow(
      'requirements.txt: the packages are not locked by hashes, so the same folder would not give the same image: lock them: uv pip compile',
    )
    expect((await install('alpha==1.0\n', { allowUnlocked: true })).file).toBe('requirements.txt')
  })

  it('refuses a base image whose Python does not fit', async () => {
    await expect(install('', { python: '>=3.12', allowUnlocked: true })).rejects.toThrow(
      'the trainer requires Python >=3.12, and the base image python:3.11-slim has Python 3.11. Choose another base image with --base',
    )
  })

  it('runs no code of a package: one without a wheel is refused by its line', async () => {
    await expect(install('alpha==1.0\nsource-only==1.0\n', { allowUnlocked: true })).rejects.toThrow(
      'requirements.txt:2: "source-only" has no wheel for the Python and the platform of the image',
    )
    expect(await readdir(dir)).not.toContain('into')
  })

  it('refuses a file with another hash', async () => {
    await expect(install(`alpha==1.0 --hash=sha256:${'0'.repeat(64)}\n`)).rejects.toThrow(
      'requirements.txt:1: the file of "alpha" on the index has another hash than the one in the lock',
    )
  })
})
