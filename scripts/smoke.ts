/**
 * Installs the packages of `npm run build` into an empty project, like a new user, and uses them: `npm run smoke`.
 */
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkDeclarations } from './lib/check-declarations.ts'
import { PACKS_DIR, publicPackages } from './lib/packages.ts'
import { ROOT, run } from './lib/run.ts'

const PROGRAM = `
import { defineTrainer, runTrainer } from '@trainyard/sdk'
import { TrainerManifest } from '@trainyard/contract'
import { createClient } from '@trainyard/client'

if (typeof runTrainer !== 'function' || typeof createClient !== 'function') throw new Error('a function is missing')
const trainer = defineTrainer({ async train() { return { metrics: {} } } })
if (trainer === undefined) throw new Error('defineTrainer returned nothing')
if (TrainerManifest.safeParse({}).success) throw new Error('an empty manifest passed')
console.log('the SDK works')
`

const dir = await mkdtemp(join(tmpdir(), 'trainyard-smoke-'))
try {
  const packs = (await readdir(PACKS_DIR).catch(() => [])).map((file) => join(PACKS_DIR, file))
  if (packs.length === 0) throw new Error(`${PACKS_DIR} is empty: run npm run build first`)
  await writeFile(join(dir, 'package.json'), JSON.stringify({ name: 'smoke', private: true, type: 'module' }))
  await writeFile(join(dir, 'program.mjs'), PROGRAM)
  const install = await run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', ...packs], { cwd: dir })
  if (install.code !== 0) throw new Error('npm could not install the packages')

  for (const { name } of publicPackages()) {
    const files = await readdir(join(dir, 'node_modules', name, 'dist'), { recursive: true })
    if (!files.some((file) => file.endsWith('.js.map'))) throw new Error(`${name} has no source maps`)
  }

  const steps: [string, string[]][] = [
    [process.execPath, ['program.mjs']],
    [join(dir, 'node_modules/.bin/trainyard'), ['--help']],
    [join(dir, 'node_modules/.bin/trainyard-validate'), ['--help']],
  ]
  const trainer = join(ROOT, 'trainers/tfjs-classifier')
  if (existsSync(join(trainer, 'dist/main.js'))) {
    steps.push([join(dir, 'node_modules/.bin/trainyard-validate'), [trainer, '--profile', 'author']])
  }
  for (const [command, args] of steps) {
    const { code } = await run(command, args, { cwd: dir })
    if (code !== 0) throw new Error(`${[command, ...args].join(' ')} exited with ${code}`)
  }
  await checkDeclarations(
    dir,
    publicPackages().map(({ name }) => name),
  )
} finally {
  await rm(dir, { recursive: true, force: true })
}
