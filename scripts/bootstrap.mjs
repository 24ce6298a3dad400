// Runs one of our programs on the right Node with everything installed: `node scripts/bootstrap.mjs scripts/start.ts …`.
// Without a program it only installs (`npm run setup`).
// Plain JavaScript for any Node from 18 on: it is the first thing that a fresh machine runs.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const NODE_MAJOR = 24
const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const pnpmSpec = manifest.packageManager
const notesDir = join(root, 'node_modules')
const notesFile = join(notesDir, '.trainyard-setup.json')

const fail = (message) => {
  process.stderr.write(`trainyard: ${message}\n`)
  process.exit(1)
}
const say = (message) => process.stderr.write(`trainyard: ${message}\n`)

function readNotes() {
  try {
    return JSON.parse(readFileSync(notesFile, 'utf8'))
  } catch {
    return {}
  }
}

function writeNotes(notes) {
  try {
    mkdirSync(notesDir, { recursive: true })
    writeFileSync(notesFile, JSON.stringify(notes, null, 2))
  } catch (error) {
    fail(
      `cannot write to ${notesDir}: ${error.message}. Give the folder to the user who runs this, or clone elsewhere.`,
    )
  }
}

const run = (command, args, options = {}) =>
  spawnSync(command, args, { cwd: root, encoding: 'utf8', shell: process.platform === 'win32', ...options })

function majorOf(nodePath) {
  const answer = run(nodePath, ['-p', 'process.versions.node'], { stdio: ['ignore', 'pipe', 'ignore'] })
  return answer.status === 0 ? Number.parseInt(answer.stdout, 10) : 0
}

/** Paths of Node 24 and pnpm, fetched from the npm registry into npm's cache if this machine lacks them. */
function toolchain(notes) {
  const known = notes.toolchain
  if (known && known.pnpmSpec === pnpmSpec && existsSync(known.pnpm) && majorOf(known.node) >= NODE_MAJOR) return known
  const recent = Number.parseInt(process.versions.node, 10) >= NODE_MAJOR
  say(`fetching ${recent ? '' : `Node ${NODE_MAJOR} and `}${pnpmSpec} from the npm registry (once)`)
  const packages = [...(recent ? [] : ['-p', `node@${NODE_MAJOR}`]), '-p', pnpmSpec]
  const answer = run('npx', ['--yes', ...packages, '-c', 'node scripts/toolchain.mjs'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const line = answer.stdout?.split('\n').find((text) => text.startsWith('{'))
  if (answer.status !== 0 || !line) {
    fail(`npx could not fetch them: is the npm registry within reach?\n${answer.stderr ?? answer.error?.message ?? ''}`)
  }
  const found = JSON.parse(line)
  const node = recent ? process.execPath : found.node
  if (majorOf(node) < NODE_MAJOR || !found.pnpm) {
    fail(
      `npx gave ${node} and ${found.pnpm}; Node ${NODE_MAJOR} and pnpm are needed. Install Node ${NODE_MAJOR} and run this again.`,
    )
  }
  return { node, pnpm: found.pnpm, pnpmSpec }
}

/** What an installation depends on: another lock file means another installation. */
function lockDigest() {
  const hash = createHash('sha256')
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json'])
    hash.update(readFileSync(join(root, file)))
  return hash.digest('hex')
}

const started = Date.now()
const notes = readNotes()
const tools = toolchain(notes)
const env = {
  ...process.env,
  PATH: [dirname(tools.node), process.env.PATH].join(delimiter),
  TRAINYARD_PNPM: tools.pnpm,
  TRAINYARD_SETUP_STARTED: String(started),
}
const digest = lockDigest()
if (notes.installed !== digest || !existsSync(join(root, 'node_modules', '.modules.yaml'))) {
  say('installing packages (once)')
  const install = run(tools.node, [tools.pnpm, 'install', '--frozen-lockfile', '--reporter=silent'], {
    env: { ...env, CI: 'true', npm_config_update_notifier: 'false' },
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: false,
  })
  if (install.status !== 0) fail('pnpm install failed: see above.')
}
writeNotes({ toolchain: tools, installed: digest })

const [program, ...args] = process.argv.slice(2)
if (!program) process.exit(0)
const child = spawn(tools.node, ['--conditions=trainyard-source', join(root, program), ...args], {
  cwd: root,
  env,
  stdio: 'inherit',
})
// A terminal sends Ctrl-C to the whole group, so the child has it already; what is sent to us alone is passed on.
process.on('SIGINT', () => {})
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 1)))
