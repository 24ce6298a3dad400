import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { z } from 'zod'

const root = join(import.meta.dirname, '../../../..')
const Header = z.object({ spec: z.object({ inputs: z.record(z.string(), z.object({ default: z.string() })) }) })
const Jobs = z.object({
  'trainyard-validate': z.object({
    variables: z.record(z.string(), z.string()),
    script: z.tuple([z.string()]),
    artifacts: z.object({ reports: z.record(z.string(), z.string()) }),
  }),
})

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'trainyard gitlab '))
  // Instead of the package from the registry: the program of this repository.
  const cli = join(root, 'packages/validator/src/cli/main.ts')
  const shim = `#!/bin/sh\nprintf '%s\\n' "$@" > arguments\nshift 4\nexec "${process.execPath}" --conditions=trainyard-source "${cli}" "$@"\n`
  await writeFile(join(dir, 'npx'), shim)
  await chmod(join(dir, 'npx'), 0o755)
})
afterAll(() => rm(dir, { recursive: true, force: true }))

/** Runs the job as GitLab does: inputs are put in their places, and the script runs in a shell with the variables. */
async function runJob(given: Record<string, string>) {
  const text = await readFile(join(root, 'templates/validate.yml'), 'utf8')
  const [header, jobs] = parseAllDocuments(text).map((document) => document.toJS() as unknown)
  const { inputs } = Header.parse(header).spec
  for (const name of Object.keys(given)) expect(Object.keys(inputs)).toContain(name)
  const values = {
    ...Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, input.default])),
    ...given,
  }
  const put = (value: string) =>
    value.replace(/\$\[\[ inputs\.(\w+) \]\]/g, (_, name: string) => {
      const found = values[name]
      if (found === undefined) throw new Error(`no input ${name}`)
      return found
    })
  const job = Jobs.parse(jobs)['trainyard-validate']
  expect(job.script[0]).not.toContain('$[[')
  const variables = Object.fromEntries(Object.entries(job.variables).map(([name, value]) => [name, put(value)]))
  const env = { ...process.env, ...variables, PATH: `${dir}:${process.env.PATH}` }
  const code = await promisify(execFile)('/bin/sh', ['-c', job.script[0]], { cwd: dir, env }).then(
    () => 0,
    (error: { code?: unknown }) => error.code,
  )
  const read = (name: string) => readFile(join(dir, name), 'utf8')
  return { code, reports: job.artifacts.reports, read, args: (await read('arguments')).trimEnd().split('\n') }
}

test('the component for GitLab writes its reports, and fails the job for a bad trainer alone', async () => {
  const fixture = (name: string) => join(root, 'packages/validator/fixtures', name)
  const good = await runJob({ target: fixture('TY101/pass'), phase: 'static', profile: 'author' })
  expect(good.code).toBe(0)
  expect(JSON.parse(await good.read(good.reports.codequality ?? ''))).toEqual([])

  const bad = await runJob({ target: fixture('TY101/fail'), phase: 'static', profile: 'author' })
  expect(bad.code).toBe(1)
  expect(JSON.parse(await bad.read(bad.reports.codequality ?? ''))).toContainEqual(
    expect.objectContaining({ check_name: expect.stringContaining('TY101') as string }),
  )
  expect(await bad.read(bad.reports.junit ?? '')).toContain('<testsuite')
})

test('no input of the component is run as a command, and one with spaces stays one argument', async () => {
  const target = 'my trainer; touch injected; $(touch injected)'
  const { args, code, read } = await runJob({ target, version: '1.2.3', phase: 'static' })
  expect(args.slice(0, 6)).toEqual([
    '--yes',
    '-p',
    '@trainyard/validator@1.2.3',
    'trainyard-validate',
    target,
    '--profile',
  ])
  expect(code).toBeGreaterThanOrEqual(2)
  await expect(read('injected')).rejects.toThrow('ENOENT')
})
