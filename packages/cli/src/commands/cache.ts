import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { formatBytes } from '@trainyard/contract/format'
import { type CachedDataset, listCache, PROBLEM_TEXTS, pruneCache, verifyCache } from '@trainyard/datasets/cache'
import { CLI_EXIT_CODES, type CliIo, type Command, UsageError } from '../command.ts'
import { interruptible } from '../interrupt.ts'
import { printJson } from '../table.ts'
import { createPaint } from '../terminal.ts'

const help = `Usage: trainyard cache ls|prune|verify [options]

Looks after the datasets that jobs of this machine share. What is in use is never removed.

  ls       What is there, the most recently used first
  prune    Remove what was not used for longest, until the cache is within --max
  verify   Read every file and compare size and SHA-256 with what was announced

A dataset in another format is an entry of its own beside the one it was made of, and goes with it.

Options:
  --dir DIR    Folder of the cache. Default: DATASET_CACHE_DIR
  --max GB     prune: what may stay, in GB. Default: DATASET_CACHE_MAX_GB; 0 removes all that is not in use
  --dry-run    prune: only say what would go
  --repair     verify: remove what is damaged, so that the next job makes it again
  --json       Print one JSON document instead of lines for people
  -h, --help   Show this

Exit codes: 0 done, 1 verify found damage, 2 wrong usage, 3 failure.

Examples:
  trainyard cache ls --dir /var/cache/trainyard
  trainyard cache prune --max 20 --dry-run
  trainyard cache verify --repair
`

export const command: Command = { help, run }

async function run(args: string[], io: CliIo): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      dir: { type: 'string' },
      max: { type: 'string' },
      'dry-run': { type: 'boolean' },
      repair: { type: 'boolean' },
      json: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help) {
    io.stdout.write(help)
    return CLI_EXIT_CODES.ok
  }
  const [verb, ...rest] = positionals
  if (verb === undefined || rest.length > 0 || !isVerb(verb)) {
    throw new UsageError(`what to do is "${positionals.join(' ')}"; wanted is ls, prune or verify`)
  }
  const dir = values.dir ?? io.env.DATASET_CACHE_DIR
  if (!dir) throw new UsageError('which cache? Give --dir DIR, or set DATASET_CACHE_DIR')
  const options: VerbOptions = {
    cacheDir: resolve(io.cwd, dir),
    json: values.json === true,
    max: values.max,
    dryRun: values['dry-run'] === true,
    repair: values.repair === true,
  }
  return VERBS[verb](options, io)
}

interface VerbOptions {
  cacheDir: string
  json: boolean
  max: string | undefined
  dryRun: boolean
  repair: boolean
}

const VERBS = { ls, prune, verify } satisfies Record<string, (options: VerbOptions, io: CliIo) => Promise<number>>

function isVerb(text: string): text is keyof typeof VERBS {
  return Object.hasOwn(VERBS, text)
}

async function ls({ cacheDir, json }: VerbOptions, io: CliIo): Promise<number> {
  const datasets = await listCache(cacheDir)
  if (json) {
    printJson(io, { cacheDir, datasets })
    return CLI_EXIT_CODES.ok
  }
  for (const dataset of datasets) io.stdout.write(`${describe(dataset, io)}\n`)
  const total = datasets.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  io.stdout.write(`${count(datasets.length, 'dataset')}, ${formatBytes(total)} in ${cacheDir}\n`)
  return CLI_EXIT_CODES.ok
}

async function prune({ cacheDir, max, dryRun, json }: VerbOptions, io: CliIo): Promise<number> {
  const text = max ?? io.env.DATASET_CACHE_MAX_GB
  if (!text) throw new UsageError('how much may stay? Give --max GB, or set DATASET_CACHE_MAX_GB')
  const maxGb = Number(text)
  if (!(maxGb >= 0)) throw new UsageError(`the limit is "${text}"; wanted is a number of GB, at least 0`)
  const { removed, keptBytes } = await pruneCache({ cacheDir, maxBytes: maxGb * 1e9, dryRun })
  if (json) {
    printJson(io, { cacheDir, dryRun, removed, keptBytes })
    return CLI_EXIT_CODES.ok
  }
  for (const dataset of removed) {
    io.stdout.write(`${dryRun ? 'would go' : 'removed'}  ${describe(dataset, io)}\n`)
  }
  const bytes = removed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  const verb = dryRun ? 'would go' : 'removed'
  io.stdout.write(
    `${count(removed.length, 'dataset')} ${verb}, ${formatBytes(bytes)}; ${formatBytes(keptBytes)} stay\n`,
  )
  if (keptBytes > maxGb * 1e9) io.stdout.write('What stays above the limit is in use or being filled.\n')
  return CLI_EXIT_CODES.ok
}

async function verify({ cacheDir, repair, json }: VerbOptions, io: CliIo): Promise<number> {
  const results = await interruptible((signal) => verifyCache({ cacheDir, repair, signal }))
  const isBad = results.some(({ damaged }) => damaged.length > 0)
  const code = isBad ? CLI_EXIT_CODES.rejected : CLI_EXIT_CODES.ok
  if (json) {
    printJson(io, { cacheDir, results })
    return code
  }
  const paint = createPaint(io.stdout, io.env)
  for (const { dataset, damaged, withoutDigest, isRepaired } of results) {
    const verdict = damaged.length === 0 ? paint('green', 'intact ') : paint('red', 'damaged')
    io.stdout.write(`${verdict}  ${describe(dataset, io)}\n`)
    for (const { path, problem } of damaged.slice(0, 10)) io.stdout.write(`    ${path}: ${PROBLEM_TEXTS[problem]}\n`)
    if (damaged.length > 10) io.stdout.write(`    and ${damaged.length - 10} more\n`)
    if (withoutDigest > 0) {
      io.stdout.write(`    ${count(withoutDigest, 'file')} without a digest: only the size was compared\n`)
    }
    if (isRepaired) io.stdout.write('    removed what is damaged: the next job makes it again\n')
    else if (damaged.length > 0) io.stdout.write('    trainyard cache verify --repair removes what is damaged\n')
  }
  io.stdout.write(`${count(results.length, 'dataset')} verified\n`)
  return code
}

function describe(dataset: CachedDataset, io: CliIo): string {
  const { versionHash, sizeBytes, fileCount, lastUsedAt, users, state, conversion } = dataset
  const used = `used ${lastUsedAt.toISOString().slice(0, 16).replace('T', ' ')}`
  const of = conversion && `${conversion.of.slice(0, 12)} as ${conversion.format} for ${conversion.taskType}`
  const notes = [of ?? '', state === 'incomplete' ? 'incomplete' : '', users > 0 ? `in use by ${users}` : ''].filter(
    Boolean,
  )
  const line = `${versionHash.slice(0, 12)}  ${formatBytes(sizeBytes).padStart(7)}  ${count(fileCount, 'file')}  ${used}`
  return notes.length === 0 ? line : `${line}  ${createPaint(io.stdout, io.env)('yellow', notes.join(', '))}`
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}
