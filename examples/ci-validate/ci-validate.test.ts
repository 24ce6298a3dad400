import { execFile } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ValidationReport } from '@trainyard/contract'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const workflow = await readFile(join(import.meta.dirname, 'validate.yml'), 'utf8')
const commands = [...workflow.matchAll(/^ +- run: (.*)$/gm)].map(([, command = '']) => command)

test('the commands of the workflow accept a valid trainer', async () => {
  expect(commands).toEqual(['npm ci', 'npm run build', expect.stringContaining('trainyard-validate . --profile ci')])
  const dir = await mkdtemp(join(tmpdir(), 'trainyard-ci-validate-'))
  try {
    const trainer = join(dir, 'trainer')
    const source = join(root, 'examples/minimal-trainer')
    await cp(source, trainer, { recursive: true, filter: (path) => !/node_modules|dist|\.trainyard$/.test(path) })
    // Replaces "npm ci" and npx: the packages of this repository.
    await symlink(join(source, 'node_modules'), join(trainer, 'node_modules'))
    const bin = join(dir, 'bin')
    await mkdir(bin)
    const cli = join(root, 'packages/validator/src/cli/main.ts')
    const shim = join(bin, 'trainyard-validate')
    await writeFile(shim, `#!/bin/sh\nexec "${process.execPath}" --conditions=trainyard-source "${cli}" "$@"\n`)
    await chmod(shim, 0o755)
    const env = { ...process.env, PATH: `${bin}:${process.env.PATH}`, DATABASE_URL: process.env.TEST_DATABASE_URL }
    for (const command of commands) {
      if (command === 'npm ci') continue
      const local = command.replace(/^npx -p \S+ /, '')
      await promisify(execFile)('/bin/sh', ['-c', local], { cwd: trainer, env }).catch((error: Error) => {
        throw new Error(`${local}: ${error.message}\n${'stdout' in error ? String(error.stdout).slice(-2000) : ''}`)
      })
    }
    const report = ValidationReport.parse(JSON.parse(await readFile(join(trainer, 'report.json'), 'utf8')))
    expect(report.checks.map(({ name, status }) => [name, status])).toEqual([
      ['manifest', 'passed'],
      ['secrets', 'passed'],
      ['compliance', 'passed'],
    ])
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}, 300_000)
