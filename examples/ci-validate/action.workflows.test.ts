import { execFile } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const act = process.env.ACT_PATH
if (act === undefined) console.warn('SKIPPED: the Action in a workflow needs act; set ACT_PATH to the program')

const run = promisify(execFile)

describe.skipIf(act === undefined)('the GitHub Action, run by act', () => {
  let dir: string
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'trainyard-action-'))
    await cp(join(root, 'packages/validator/fixtures/trainers/good'), join(dir, 'trainer'), { recursive: true })
    await mkdir(join(dir, 'action'))
    await cp(join(root, 'action.yml'), join(dir, 'action/action.yml'))
    const cli = join(root, 'packages/validator/src/cli/main.ts')
    await writeFile(
      join(dir, 'validate.sh'),
      `#!/bin/sh\nexec "${process.execPath}" --conditions=trainyard-source "${cli}" "$@"\n`,
    )
    await chmod(join(dir, 'validate.sh'), 0o755)
    // In place of the action that uploads to GitHub: it keeps the file.
    await mkdir(join(dir, 'codeql/upload-sarif'), { recursive: true })
    await writeFile(
      join(dir, 'codeql/upload-sarif/action.yml'),
      `name: keep
description: keeps the file
inputs:
  sarif_file: { description: file, required: true }
  category: { description: category, required: true }
runs:
  using: composite
  steps:
    - shell: bash
      run: cp "\${{ inputs.sarif_file }}" "${join(dir, 'uploaded.sarif')}"
`,
    )
    await writeFile(
      join(dir, 'workflow.yml'),
      `on: push
jobs:
  validate:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - id: validate
        uses: ./action
        with:
          target: trainer
          phase: static,security
          command: ${join(dir, 'validate.sh')}
          upload-sarif: 'true'
      - if: always()
        shell: bash
        run: |
          echo "the verdict is \${{ steps.validate.outputs.verdict }}"
          cp "\${{ steps.validate.outputs.report }}" "${join(dir, 'report.html')}"
`,
    )
    await run('git', ['-C', dir, 'init', '-q'])
    await run('git', ['-C', dir, 'add', '-A'])
    await run('git', ['-C', dir, '-c', 'user.name=a', '-c', 'user.email=a@example.org', 'commit', '-qm', 'first'])
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  const runWorkflow = async () => {
    const [, revision] =
      /github\/codeql-action\/upload-sarif@(\w+)/.exec(await readFile(join(root, 'action.yml'), 'utf8')) ?? []
    const local = `github/codeql-action@${revision}=${join(dir, 'codeql')}`
    const args = ['push', '-W', 'workflow.yml', '-P', 'ubuntu-latest=-self-hosted', '--action-offline-mode']
    return await run(act ?? '', [...args, '--local-repository', local], {
      cwd: dir,
      env: { ...process.env, XDG_CACHE_HOME: join(dir, '.cache') },
      maxBuffer: 32 * 1024 * 1024,
    }).then(
      ({ stdout }) => ({ code: 0, stdout }),
      (error: Error & { code?: number; stdout?: string }) => ({ code: error.code, stdout: error.stdout ?? '' }),
    )
  }

  test('accepts a good trainer, and keeps its reports', async () => {
    const { code, stdout } = await runWorkflow()
    expect(stdout).toContain('the verdict is passed')
    expect(stdout).toContain('Summary - ## ✅ fixtures')
    expect(code).toBe(0)
    expect(JSON.parse(await readFile(join(dir, 'uploaded.sarif'), 'utf8'))).toMatchObject({
      version: '2.1.0',
      runs: [{ results: [] }],
    })
    expect(await readFile(join(dir, 'report.html'), 'utf8')).toContain('fixtures/nearest-colour')
  })

  test('fails with annotations at the findings, and uploads them', async () => {
    await rm(join(dir, 'trainer/main.js'))
    const { code, stdout } = await runWorkflow()
    expect(code).not.toBe(0)
    expect(stdout).toContain('the verdict is failed')
    expect(stdout).toMatch(/TY105/)
    expect(JSON.parse(await readFile(join(dir, 'uploaded.sarif'), 'utf8'))).toMatchObject({
      runs: [{ results: expect.arrayContaining([expect.objectContaining({ ruleId: 'TY105' })]) }],
    })
  })
})
