/**
 * `npm run runtimes`: runs a small trainer with the built SDK on every supported runtime, without a platform
 * and with one. Runtimes come from the npm registry; one that is not available is skipped, out loud. Arguments name the ones
 * to run: `npm run runtimes -- node@22 bun`.
 */
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDice, createEnvironment, startCallbackServer, writeFiles } from '@trainyard/datasets/testing'
import { buildPackage } from './lib/build-package.ts'
import { findRuntime } from './lib/find-runtime.ts'
import { publicPackages } from './lib/packages.ts'
import { type RunResult, run } from './lib/run.ts'

const RUNTIMES = ['node@22', 'node@24', 'node@26', 'bun']

const TRAINER = `
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { defineTrainer, runTrainer } from '@trainyard/sdk'

await runTrainer(
  defineTrainer({
    async train(job) {
      const { samples } = await job.dataset.samples()
      const file = join(job.workDir, 'best.bin')
      for (let epoch = 1; epoch <= job.config.basic.epochs; epoch++) {
        job.progress({ epoch, metrics: { loss: 1 / epoch } })
        await writeFile(file, 'weights of epoch ' + epoch)
        if (job.best('loss', 1 / epoch)) await job.checkpoint('best', file, { epoch })
      }
      job.log('trained on ' + samples.length + ' images')
      return { metrics: { loss: job.best.value } }
    },
  }),
)
`

/** Builds a package into `node_modules` of a folder, with links to the libraries that it needs. */
async function installPackage(name: string, dir: string): Promise<void> {
  const found = publicPackages().find((one) => one.name === name)
  if (found === undefined) throw new Error(`there is no package ${name}`)
  const target = join(dir, 'node_modules', name)
  await mkdir(target, { recursive: true })
  await buildPackage(found, join(target, 'dist'))
  const manifest = JSON.parse(await readFile(join(found.dir, 'package.json'), 'utf8'))
  // As publishing does it.
  await writeFile(join(target, 'package.json'), JSON.stringify({ ...manifest, ...manifest.publishConfig }))
  for (const needed of Object.keys(manifest.dependencies).filter((each) => !each.startsWith('@trainyard/'))) {
    await symlink(join(found.dir, 'node_modules', needed), join(dir, 'node_modules', needed)).catch((error) => {
      if (error.code !== 'EEXIST') throw error
    })
  }
}

/** A folder as `npm install` leaves it: the trainer, the built SDK and what it needs. */
async function installTrainer(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'trainyard-runtimes-'))
  for (const name of ['@trainyard/contract', '@trainyard/datasets', '@trainyard/sdk']) await installPackage(name, dir)
  await writeFile(join(dir, 'package.json'), '{ "type": "module" }')
  await writeFile(join(dir, 'main.js'), TRAINER)
  const { annotations, files } = createDice(12)
  writeFiles(join(dir, 'data'), [annotations, ...files])
  return dir
}

async function runLocally(runtime: string, trainer: string): Promise<string | undefined> {
  const dir = await mkdtemp(join(tmpdir(), 'trainyard-run-'))
  const args = [join(trainer, 'main.js'), 'train', '--dataset', join(trainer, 'data'), '--epochs', '2']
  try {
    const result = await run(runtime, args, { cwd: dir, capture: true, env: { PATH: process.env.PATH } })
    if (result.code !== 0) return describe(result)
    const journal = await readFile(join(dir, 'runs/1/journal.jsonl'), 'utf8')
    const types = journal
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { type: string }).type)
    return types.includes('started') && types.at(-1) === 'completed' ? undefined : `journal: ${types.join(', ')}`
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

async function runOnPlatform(runtime: string, trainer: string): Promise<string | undefined> {
  const dir = await mkdtemp(join(tmpdir(), 'trainyard-run-'))
  const platform = await startCallbackServer()
  const { annotations, files } = createDice(12)
  platform.annotations = [annotations]
  platform.files = files
  try {
    const env = { PATH: process.env.PATH, ...createEnvironment(platform.url, dir) }
    const result = await run(runtime, [join(trainer, 'main.js')], { cwd: dir, capture: true, env })
    if (result.code !== 0) return describe(result)
    const types = platform.events.map(({ type }) => type)
    const isWhole = types[0] === 'started' && types.at(-1) === 'completed' && types.includes('checkpoint')
    const bytes = [...platform.artifacts.values()].at(-1)?.bytes.toString()
    return isWhole && bytes === 'weights of epoch 3' ? undefined : `events: ${types.join(', ')}; checkpoint: ${bytes}`
  } finally {
    await platform.close()
    await run('chmod', ['-R', 'u+w', dir])
    await rm(dir, { recursive: true, force: true })
  }
}

const describe = ({ code, output }: RunResult): string => `exit code ${code}\n${output.trim().slice(-2000)}`

const asked = process.argv.slice(2)
const trainer = await installTrainer()
try {
  for (const name of asked.length > 0 ? asked : RUNTIMES) {
    const runtime = await findRuntime(name)
    if ('why' in runtime) {
      console.log(`skip ${name}: it is not available here (${runtime.why})`)
      continue
    }
    for (const [what, perform] of [
      ['without a platform', runLocally],
      ['on a platform', runOnPlatform],
    ] as const) {
      const trouble = await perform(runtime.path, trainer)
      console.log(trouble === undefined ? `ok   ${name} ${what}` : `FAIL ${name} ${what}: ${trouble}`)
      if (trouble !== undefined) process.exitCode = 1
    }
  }
} finally {
  await rm(trainer, { recursive: true, force: true })
}
