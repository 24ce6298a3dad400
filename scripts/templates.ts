/**
 * `npm run templates`: what a new author does, from the packed packages of `npm run build`. Each template of `trainyard init` is generated,
 * installed, built, tested, validated and published to a platform: on the oldest Node.js that the packages run on, and on the newer ones.
 * `-- --node 24 --template plain` runs only these, `--node current` those on the Node.js that runs this. Python needs uv (UV_PATH). Templates of frameworks install gigabytes: they run when they
 * are named, or with `--frameworks`. `--without-platform` leaves out what needs the servers, which Windows does not run.
 */
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { formatDuration } from '@trainyard/contract/format'
import { isFramework, TEMPLATE_NAMES } from '../packages/cli/src/init/template-name.ts'
import { MIN_NODE } from '../packages/cli/src/version.ts'
import { findUv } from '../packages/environments/src/index.ts'
import { runStart } from '../tests/e2e/server.ts'
import { findRuntime } from './lib/find-runtime.ts'
import { type LocalPackages, startLocalPackages } from './lib/local-packages.ts'
import { packOf, publicPackages } from './lib/packages.ts'
import { readFlags } from './lib/read-flags.ts'
import { type RunResult, run } from './lib/run.ts'

const NODES = [`${MIN_NODE}.0`, '24', '26']

const TRAIN = 'npx trainyard dev train --dataset sample-data --epochs 3'
const PREDICT = 'npx trainyard dev predict --images sample-data/test --checkpoint runs/1/best.json'
const PUBLISH = 'npx trainyard publish --url'
const NEEDS_SERVERS = ['npm test', PUBLISH]
const STEPS = {
  typescript: [
    'npm install',
    'npm run build',
    'npm run check',
    'npm test',
    TRAIN,
    PREDICT,
    'npx trainyard-validate .',
    PUBLISH,
  ],
  python: [TRAIN, PREDICT, 'npx @trainyard/validator .', PUBLISH],
  framework: [TRAIN, 'npx @trainyard/validator .', PUBLISH],
}

const values = readFlags(import.meta.url, {
  node: { type: 'string', multiple: true, default: NODES },
  template: { type: 'string', multiple: true, default: [] },
  frameworks: { type: 'boolean', default: false },
  'without-platform': { type: 'boolean', default: false },
})
const templates = TEMPLATE_NAMES.filter((name) =>
  values.template.length > 0 ? values.template.includes(name) : values.frameworks || !isFramework(name),
)

/** The variables of a new author: nothing of this repository, and packages from the packed ones. */
function authorVariables(packages: LocalPackages, dir: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(npm_|TRAINYARD_|NODE_OPTIONS$)/i.test(name))
  return {
    ...Object.fromEntries(kept),
    npm_config_registry: packages.npmUrl,
    // Files of other packages come from where their documents say: the cache knows them by their hash.
    npm_config_replace_registry_host: 'never',
    npm_config_cache: npmCacheOf(dir),
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    npm_config_update_notifier: 'false',
    npm_config_yes: 'true',
    PYTHON_INDEX_URL: [packages.pythonUrl, process.env.PYTHON_INDEX_URL ?? 'https://pypi.org/simple'].join(','),
    PYTHON_ENVIRONMENTS_DIR: join(dir, 'environments'),
  }
}

const npmCacheOf = (dir: string): string => join(dir, 'npm')

/** A cache for this run: with the downloads of npm, but without what npx installed, which it keeps by name and not by content. */
async function shareDownloads(dir: string): Promise<void> {
  const cache = (await inShell('npm config get cache', dir)).output.trim()
  await mkdir(npmCacheOf(dir))
  await mkdir(join(cache, '_cacache'), { recursive: true })
  await symlink(join(cache, '_cacache'), join(npmCacheOf(dir), '_cacache'), 'junction')
}

/** Windows finds npm and npx, which are scripts there, through its shell alone. */
function inShell(line: string, cwd: string, env: NodeJS.ProcessEnv = process.env): Promise<RunResult> {
  const [shell, flag] = process.platform === 'win32' ? ['cmd', '/c'] : ['sh', '-c']
  return run(shell, [flag, line], { cwd, env, capture: true })
}

/** Runs a command line, and returns how long it took. Throws with its output if it fails. */
async function perform(line: string, cwd: string, env: NodeJS.ProcessEnv): Promise<number> {
  const started = performance.now()
  const { code, output } = await inShell(line, cwd, env)
  if (code !== 0) throw new Error(`"${line}" exited with ${code} in ${cwd}:\n${output.trim().slice(-4000)}`)
  return performance.now() - started
}

type Template = (typeof TEMPLATE_NAMES)[number]

function stepsOf(template: Template, platformUrl: string | undefined): string[] {
  const steps = STEPS[isFramework(template) ? 'framework' : template === 'typescript' ? template : 'python']
  return steps
    .filter((step) => platformUrl !== undefined || !NEEDS_SERVERS.includes(step))
    .map((step) => (step === PUBLISH ? `${step} ${platformUrl}` : step))
}

/** Does what an author does, and describes how long it took. */
async function tryTemplate(template: Template, steps: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'trainyard-author-'))
  const name = `authors/${template}-${randomUUID().slice(0, 8)}`
  try {
    await perform(`npx trainyard init my-trainer --template ${template} --name ${name}`, dir, env)
    const times: string[] = []
    for (const step of steps) {
      const ms = await perform(step, join(dir, 'my-trainer'), env)
      times.push(`${step.replace(/ --.*| \.$/, '')} ${formatDuration(ms)}`)
    }
    return times.join(', ')
  } finally {
    await removeFolder(dir)
  }
}

/** Environments of Python are read-only. */
async function removeFolder(dir: string): Promise<void> {
  if (process.platform !== 'win32') await run('chmod', ['-R', 'u+w', dir])
  await rm(dir, { recursive: true, force: true })
}

const dir = await mkdtemp(join(tmpdir(), 'trainyard-templates-'))
const packs = publicPackages().map(packOf)
const missing = packs.find((pack) => !existsSync(pack))
if (missing !== undefined) throw new Error(`${missing} does not exist: run npm run build first`)
const uv = await findUv().catch((error: Error) => error)
if (!(uv instanceof Error))
  await perform(
    `"${uv.path}" build --quiet --wheel --out-dir "${join(dir, 'wheels')}" python`,
    join(import.meta.dirname, '..'),
    process.env,
  )
const wheels = (await readdir(join(dir, 'wheels')).catch(() => [])).filter((file) => file.endsWith('.whl'))
const packages = await startLocalPackages({
  packs,
  wheels: wheels.map((file) => join(dir, 'wheels', file)),
  upstreamUrl: (await inShell('npm config get registry', dir)).output.trim(),
})
await shareDownloads(dir)
const variables = authorVariables(packages, dir)
const platform = values['without-platform']
  ? undefined
  : runStart(['--serve', '--port', '0', '--data', join(dir, 'data')], variables)
try {
  const url = (await platform?.waitFor(/running at (\S+)/))?.[1]
  for (const node of values.node) {
    const runtime = node === 'current' ? { path: process.execPath } : await findRuntime(`node@${node}`)
    if ('why' in runtime) throw new Error(`node@${node} is not available: ${runtime.why}`)
    // As on a machine on which the command line is installed with npm install --global.
    const tools = join(dir, `tools-${node}`)
    await mkdir(tools)
    const path = [dirname(runtime.path), join(tools, 'node_modules/.bin'), process.env.PATH].join(delimiter)
    const env = { ...variables, PATH: path }
    await perform('npm install --prefix . trainyard @trainyard/validator', tools, env)
    for (const template of templates) {
      if (template !== 'typescript' && template !== 'python' && uv instanceof Error) {
        console.log(`skip ${template} on Node.js ${node}: ${uv.message}`)
        continue
      }
      try {
        console.log(`ok   ${template} on Node.js ${node}: ${await tryTemplate(template, stepsOf(template, url), env)}`)
      } catch (error) {
        console.log(`FAIL ${template} on Node.js ${node}: ${error instanceof Error ? error.message : error}`)
        process.exitCode = 1
      }
    }
  }
} finally {
  platform?.process.kill('SIGTERM')
  await platform?.ended
  await packages.close()
  await removeFolder(dir)
}
