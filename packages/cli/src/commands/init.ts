import { execFileSync } from 'node:child_process'
import { userInfo } from 'node:os'
import { basename, join, relative, resolve } from 'node:path'
import { TrainerManifest } from '@trainyard/contract'
import { writeTestBoxes, writeTestDataset } from '@trainyard/datasets'
import { EXIT_CODES } from '../command-line/exit-codes.ts'
import type { CliIo } from '../command-line/io.ts'
import { UsageError } from '../errors.ts'
import { createFiles, nextSteps } from '../init/create-files.ts'
import type { LicenceName } from '../init/licences.ts'
import type { TemplateName } from '../init/template-name.ts'
import { writeFolder, writeTexts } from '../init/write-files.ts'
import { createPaint } from '../terminal/paint.ts'
import { printJson } from '../terminal/table.ts'

interface InitInput {
  dir: string | undefined
  template: TemplateName | undefined
  name: string | undefined
  licence: LicenceName | undefined
  force: boolean
  json: boolean
}

export async function run(input: InitInput, io: CliIo): Promise<number> {
  const { template = 'typescript', force } = input
  const licence = chooseLicence(template, input.licence)
  const dir = resolve(io.cwd, input.dir ?? '.')
  const name = readName(input.name, dir, io)
  const files = createFiles({ template, name, licence, author: findAuthor(io) })
  await writeFolder(dir, {
    force,
    async fill(draft) {
      await writeTexts(draft, files)
      await (template === 'ultralytics' ? writeTestBoxes : writeTestDataset)(join(draft, 'sample-data'))
    },
  })
  const paint = createPaint(io.stdout, io.env)
  const path = relative(io.cwd, dir)
  const steps = [...(path === '' ? [] : [`cd ${quote(path)}`]), ...nextSteps(template)]
  if (input.json) {
    printJson(io, { name, dir, files: [...files.keys()].sort(), next: steps })
    return EXIT_CODES.ok
  }
  io.stdout.write(`Created ${paint('bold', name)} in ${dir}. Next:\n\n${steps.map((step) => `  ${step}\n`).join('')}`)
  if (name.startsWith(`${NO_NAMESPACE}/`))
    io.stderr.write(`Before you publish, set the namespace in trainer.json: "name" is "${name}"\n`)
  return EXIT_CODES.ok
}

/** Programs that use Ultralytics have its licence. */
function chooseLicence(template: TemplateName, given: LicenceName | undefined): LicenceName {
  if (template !== 'ultralytics') return given ?? 'Apache-2.0'
  if (given === undefined) return 'AGPL-3.0-only'
  throw new UsageError(
    `--licence is "${given}": Ultralytics is licensed under AGPL-3.0, and so is a trainer that uses it. Leave the option out`,
  )
}

/** A path as a shell takes it. */
function quote(path: string): string {
  return /^[\w./@:+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`
}

function readName(given: string | undefined, dir: string, io: CliIo): string {
  const name = given ?? `${findNamespace(io)}/${toNamePart(basename(dir), 'trainer')}`
  const parsed = TrainerManifest.shape.name.safeParse(name)
  if (parsed.success) return parsed.data
  throw new UsageError(`--name is "${name}": it ${parsed.error.issues[0]?.message ?? 'is not a valid name'}`)
}

/** Accounts of machines, not of people. */
const SHARED_ACCOUNTS = new Set([
  'root',
  'admin',
  'administrator',
  'user',
  'ubuntu',
  'debian',
  'node',
  'vscode',
  'runner',
])
const NO_NAMESPACE = 'my-namespace'

/** The name at GitHub in git's configuration, or the user's name here, or a placeholder. */
function findNamespace(io: CliIo): string {
  const { username } = userInfo()
  const known = readGit('github.user', io) ?? (SHARED_ACCOUNTS.has(username) ? readGit('user.name', io) : username)
  return toNamePart(known ?? '', NO_NAMESPACE)
}

function toNamePart(text: string, fallback: string): string {
  const part = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 64)
  return part === '' ? fallback : part.replace(/-+$/, '')
}

/** The name in git's configuration, or that of the user. */
const findAuthor = (io: CliIo): string => readGit('user.name', io) ?? userInfo().username

/** A value of git's configuration. Undefined without git, or if it is not set. */
function readGit(name: string, io: CliIo): string | undefined {
  try {
    const stdio: ['ignore', 'pipe', 'ignore'] = ['ignore', 'pipe', 'ignore']
    return execFileSync('git', ['config', name], { cwd: io.cwd, stdio }).toString().trim() || undefined
  } catch {
    return undefined
  }
}
