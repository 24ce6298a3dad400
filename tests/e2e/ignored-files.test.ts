import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { validateTarget } from '@trainyard/validator'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { listBundleFiles } from '../../packages/client/src/publish/list-bundle-files.ts'
import { packBundle } from '../../packages/client/src/publish/pack-bundle.ts'
import { fixtures } from '../../packages/validator/src/testing/flaws.ts'

const SECRET = `const token = 'ghp_${'Qx7Zk2'.repeat(6)}'`
const PYTHON = { runtime: { python: '>=3.10', dependencies: 'requirements.txt' } }

interface Case {
  readonly phase: string
  readonly files: Readonly<Record<string, string>>
  readonly ignore: string
  readonly manifest?: object
  /** What is found if nothing is ignored, and what is found then. */
  readonly before: readonly string[]
  readonly after: readonly string[]
}

const cases: Case[] = [
  {
    phase: 'static: a Dockerfile',
    files: { Dockerfile: 'FROM node:24.1.0@sha256:'.concat('0'.repeat(64), '\nCMD node main.js\nUSER 1\n') },
    ignore: 'Dockerfile',
    before: ['TY204'],
    after: [],
  },
  { phase: 'static: the README', files: {}, ignore: 'README.md', before: [], after: ['TY201'] },
  { phase: 'licences', files: {}, ignore: 'LICENSE', before: [], after: ['TY202'] },
  { phase: 'secrets', files: { 'notes/own.js': SECRET }, ignore: 'notes/', before: ['TY301'], after: [] },
  {
    phase: 'secrets: files with credentials',
    files: { '.npmrc': '//registry.example/:_authToken=abcdef0123456789\n' },
    ignore: '.npmrc',
    before: ['TY301'],
    after: [],
  },
  {
    phase: 'environment: packages without a lock file',
    files: { 'requirements.txt': 'numpy\n' },
    ignore: 'requirements.txt',
    before: ['TY210'],
    after: [],
  },
  {
    phase: 'environment: the file of dependencies',
    files: { 'requirements.txt': 'numpy==2.0.0\n' },
    ignore: '*.txt',
    manifest: PYTHON,
    before: ['TY211'],
    after: ['TY111'],
  },
  {
    phase: 'environment: a file that it includes',
    files: { 'requirements.txt': '-r python/more.txt\n', 'python/more.txt': 'numpy==2.0.0\n' },
    ignore: 'python/',
    manifest: PYTHON,
    before: ['TY211'],
    after: ['TY111'],
  },
]

describe('what .trainyardignore names is left out, by the validator as by publishing', () => {
  let parent: string
  beforeAll(async () => {
    parent = await mkdtemp(join(tmpdir(), 'trainyard-ignored-'))
  })
  afterAll(() => rm(parent, { recursive: true, force: true }))

  const codes = async (target: string) => {
    const { checks } = await validateTarget({ target, phases: ['static', 'security'] })
    return [...new Set(checks.flatMap(({ findings }) => findings.map(({ code }) => code)))].sort()
  }

  test.each(cases)('$phase', async ({ files, ignore, manifest, before, after }) => {
    const dir = await mkdtemp(join(parent, 'trainer-'))
    await cp(join(fixtures, 'good'), dir, { recursive: true })
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(dir, path)), { recursive: true })
      await writeFile(join(dir, path), text)
    }
    const json = JSON.parse(await readFile(join(dir, 'trainer.json'), 'utf8')) as object
    await writeFile(join(dir, 'trainer.json'), JSON.stringify({ ...json, ...manifest }))
    expect(await codes(dir)).toEqual(before)
    await writeFile(join(dir, '.trainyardignore'), `${ignore}\n`)
    expect(await codes(dir)).toEqual(after)
    // The compliance run, the SBOM and the scanners of the registry see only what is packed.
    const bundle = `${dir}.tar.gz`
    const packed = await listBundleFiles(dir)
    await packBundle(dir, packed, bundle)
    expect(packed.map(({ path }) => path).filter((path) => path in files && !path.startsWith('requirements'))).toEqual(
      [],
    )
    expect(await codes(bundle)).toEqual(after)
  })
})
