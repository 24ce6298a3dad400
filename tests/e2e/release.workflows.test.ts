/**
 * A dry run of the release workflow, with the versions that the waiting changesets make: `npm test -- --project workflows`, with
 * ACT_PATH and uv (UV_PATH). Actions of others are stood in for; what they are given is kept. "npm run verify", a part of CI of its
 * own that takes minutes, only packs.
 */
import { execFile } from 'node:child_process'
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findUv } from '../../packages/environments/src/index.ts'
import { publicPackages } from '../../scripts/lib/packages.ts'
import { ROOT, type RunResult, run } from '../../scripts/lib/run.ts'

/** How many of the waiting changesets make the versions. */
const CHANGESETS = 12
const WORKFLOW = '.github/workflows/release.yml'
const act = process.env.ACT_PATH
const uv = await findUv().catch(() => undefined)
const canRun = act !== undefined && uv !== undefined
if (!canRun)
  console.warn('SKIPPED: a dry run of the release. It needs act (set ACT_PATH to the program) and uv (UV_PATH)')

const git = async (dir: string, ...args: string[]) =>
  await promisify(execFile)('git', ['-C', dir, '-c', 'user.name=a', '-c', 'user.email=a@example.org', ...args])

/** Paths of the changesets of the repository, those of minor versions first. */
async function changesets(clone: string): Promise<string[]> {
  const paths = (await readdir(join(clone, '.changeset')))
    .filter((name) => name.endsWith('.md') && name !== 'README.md')
    .map((name) => join(clone, '.changeset', name))
  const all = await Promise.all(
    paths.map(async (path) => ({ path, isMinor: (await readFile(path, 'utf8')).includes(': minor') })),
  )
  return all.toSorted((a, b) => Number(b.isMinor) - Number(a.isMinor)).map(({ path }) => path)
}

/** Steps of composite actions that stand in for those of others, by `owner/name` or `owner/name/folder`. */
const standIns = (kept: string): Record<string, string> => ({
  'actions/setup-node': 'true',
  'astral-sh/setup-uv': 'true',
  // As the real one: versions while changesets wait, and the release without them.
  'changesets/action/select-mode': `waiting=$(ls .changeset/*.md | grep -cv README.md)
        [ "$waiting" -gt 0 ] && echo mode=version >> "$GITHUB_OUTPUT" || echo mode=publish >> "$GITHUB_OUTPUT"`,
  'changesets/action/version': 'false',
  'actions/attest-build-provenance': 'false',
  'actions/upload-artifact': `for path in $INPUT_PATH; do cp -R "$path" "${kept}/"; done`,
  'actions/download-artifact': `mkdir -p "$INPUT_PATH" && cp -R "${kept}/." "$INPUT_PATH/"`,
})

const compositeAction = (step: string) => `name: stands in
description: stands in for the action of others
inputs:
  path: { description: paths, required: false }
outputs:
  mode: { description: mode, value: "\${{ steps.only.outputs.mode }}" }
runs:
  using: composite
  steps:
    - id: only
      shell: bash
      env: { INPUT_PATH: "\${{ inputs.path }}" }
      run: |
        ${step}
`

describe.skipIf(!canRun)('a dry run of the release workflow', () => {
  let dir: string
  let result: RunResult

  /** Writes the stand-ins of every action that the workflow names, and returns the arguments of act for them. */
  async function writeStandIns(workflow: string, kept: string): Promise<string[]> {
    const actions = [...workflow.matchAll(/uses: ([\w-]+\/[\w-]+)((?:\/[\w-]+)?)@(\w+)/g)]
    const steps = standIns(kept)
    const args = new Set<string>()
    for (const [, repository = '', folder = '', revision = ''] of actions) {
      if (repository === 'actions/checkout') continue
      const target = join(dir, 'actions', repository)
      await mkdir(join(target, folder), { recursive: true })
      await writeFile(join(target, folder, 'action.yml'), compositeAction(steps[repository + folder] ?? 'false'))
      args.add(`${repository}@${revision}=${target}`)
    }
    return [...args].flatMap((each) => ['--local-repository', each])
  }

  /** Programs that stand before those of the machine. */
  async function writePrograms(): Promise<string> {
    const bin = join(dir, 'bin')
    await mkdir(bin)
    await copyFile(join(import.meta.dirname, 'release-npm.sh'), join(bin, 'npm'))
    await chmod(join(bin, 'npm'), 0o755)
    return [bin, dirname(uv?.path ?? ''), process.env.PATH].join(delimiter)
  }

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'trainyard-release-'))
    const [clone, kept] = [join(dir, 'clone'), join(dir, 'kept')]
    await mkdir(kept)
    await promisify(execFile)('git', ['clone', '--quiet', '--depth', '1', `file://${ROOT}`, clone])
    // As they are here, also when they are not committed.
    await copyFile(join(ROOT, WORKFLOW), join(clone, WORKFLOW))
    // The commit of each changeset is looked up, which takes longest of all: a few do.
    for (const each of (await changesets(clone)).slice(CHANGESETS)) await rm(each)
    await git(clone, 'commit', '-aqm', 'the workflow')
    const local = await writeStandIns(await readFile(join(ROOT, WORKFLOW), 'utf8'), kept)
    const path = await writePrograms()
    const flags = ['-W', WORKFLOW, '-P', 'ubuntu-24.04=-self-hosted', '--action-offline-mode', ...local]
    result = await run(act ?? '', ['workflow_dispatch', '--input', 'dry-run=true', ...flags], {
      cwd: clone,
      env: {
        ...process.env,
        PATH: path,
        XDG_CACHE_HOME: join(dir, '.cache'),
        REAL_NPM_PATH: process.env.PATH,
        SETUP_NOTES: join(ROOT, 'node_modules/.trainyard-setup.json'),
        NO_COLOR: '1',
      },
      capture: true,
    })
  }, 1_200_000)
  afterAll(() => rm(dir, { recursive: true, force: true }))

  test('succeeds', () => {
    expect(result.output.split('\n').filter((line) => /❌|🏁|Error/.test(line))).not.toContainEqual(
      expect.stringMatching(/❌|Job failed/),
    )
    expect(result.code, result.output.slice(-4000)).toBe(0)
  })

  test('would publish every package to npm, with the next version', () => {
    for (const { name } of publicPackages()) expect(result.output).toContain(`${name}@0.2.0 would be published`)
  })

  test('describes and packs every package, with its changelog', async () => {
    const count = publicPackages().length
    const packs = await readdir(join(dir, 'kept/packs'))
    expect(packs.filter((name) => name.endsWith('-0.2.0.tgz'))).toHaveLength(count)
    expect(await readdir(join(dir, 'kept/sbom'))).toHaveLength(count)
    const { output } = await run('tar', ['-tzf', join(dir, 'kept/packs/trainyard-0.2.0.tgz')], { capture: true })
    expect(output).toContain('package/CHANGELOG.md')
  })

  test('would publish the Python package to PyPI', async () => {
    const files = await readdir(join(dir, 'kept/python'))
    expect(files.filter((name) => /\.(whl|tar\.gz)$/.test(name))).toHaveLength(2)
    expect(result.output).toMatch(/Checking trainyard_sdk-\S+\.whl/)
  })
})
