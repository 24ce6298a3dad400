import { mkdir, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { ArtifactKind, type ArtifactList, isSafeRelativePath } from '@trainyard/contract'
import { formatBytes } from '@trainyard/contract/format'
import { createTransport, downloadFile, hashFile } from '@trainyard/datasets/transfer'
import { parseChoice } from '../../arguments.ts'
import { CLI_EXIT_CODES, type CliIo, type Command, UsageError } from '../../command.ts'
import { CONNECTION_HELP, connect, connectionOptions } from '../../connection.ts'
import { interruptible } from '../../interrupt.ts'
import { createProgressLine } from '../../progress-line.ts'
import { formatCount, printJson } from '../../table.ts'
import { cleanText, createPaint } from '../../terminal.ts'
import { parseJobId } from '../jobs/arguments.ts'

const help = `Usage: trainyard artifacts pull JOB [options]

Downloads files of a job, checks size and SHA-256, and skips what is there already. Of a name that several attempts
wrote, the newest.

Options:
  --to DIR         Where to. Default: ./job-JOB
  --kind KIND      Only checkpoint, export, prediction, plot, log or other
  --name NAME      Only the file of this name, for example best.safetensors; may be given again
${CONNECTION_HELP}

Examples:
  trainyard artifacts pull 42
  trainyard artifacts pull 42 --name best.safetensors --to ./models
`

export const command: Command = { help, run }

type ListedArtifact = ArtifactList['artifacts'][number]

async function run(args: string[], io: CliIo): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...connectionOptions,
      to: { type: 'string' },
      kind: { type: 'string' },
      name: { type: 'string', multiple: true },
    },
  })
  const id = parseJobId(positionals)
  const kind = values.kind === undefined ? undefined : parseChoice(values.kind, ArtifactKind.options, '--kind')
  const client = await connect(values, io)
  const { artifacts } = await client.jobs.artifacts(id)
  const chosen = choose(artifacts, kind, values.name)
  if (chosen.length === 0) {
    const there = artifacts.map((one) => `${one.name} (${one.kind})`).join(', ')
    throw new UsageError(`job ${id} has no such file; it has ${cleanText(there) || 'none'}`)
  }
  const dir = resolve(io.cwd, values.to ?? `job-${id}`)
  const json = values.json === true
  const pulled = await interruptible((signal) => pull(chosen, dir, { io, silent: json, signal }))
  if (json) printJson(io, { dir, files: pulled })
  else {
    const paint = createPaint(io.stdout, io.env)
    for (const { path, sizeBytes, status } of pulled)
      io.stdout.write(`${paint('green', status)} ${cleanText(path)} (${formatBytes(sizeBytes)})\n`)
    io.stdout.write(`${formatCount(pulled.length)} ${pulled.length === 1 ? 'file' : 'files'} in ${dir}\n`)
  }
  return CLI_EXIT_CODES.ok
}

/** The newest file of each name. */
function choose(
  artifacts: readonly ListedArtifact[],
  kind: string | undefined,
  names: string[] | undefined,
): ListedArtifact[] {
  const newest = new Map<string, ListedArtifact>()
  for (const one of artifacts) {
    if (kind !== undefined && one.kind !== kind) continue
    if (names !== undefined && !names.includes(one.name)) continue
    const known = newest.get(one.name)
    if (known === undefined || one.attempt >= known.attempt) newest.set(one.name, one)
  }
  return [...newest.values()]
}

interface PulledFile {
  path: string
  sizeBytes: number
  sha256: string
  status: 'pulled' | 'held'
}

async function pull(
  artifacts: readonly ListedArtifact[],
  dir: string,
  { io, silent, signal }: { io: CliIo; silent: boolean; signal: AbortSignal },
): Promise<PulledFile[]> {
  const transport = createTransport()
  const totalBytes = artifacts.reduce((sum, one) => sum + one.sizeBytes, 0)
  const progress = createProgressLine(io, 'Downloading', totalBytes, silent)
  const files: PulledFile[] = []
  try {
    let doneBytes = 0
    for (const one of artifacts) {
      // A server's word, too, is checked before it names a file of ours.
      if (!isSafeRelativePath(one.name))
        throw new Error(`the server names a file "${cleanText(one.name)}", which is no safe path`)
      const path = join(dir, one.name)
      const isHeld = await holds(path, one)
      await mkdir(dirname(path), { recursive: true })
      if (!isHeld) await downloadFile({ transport, signal }, one, path, one.name)
      doneBytes += one.sizeBytes
      progress.update(doneBytes)
      files.push({ path, sizeBytes: one.sizeBytes, sha256: one.sha256, status: isHeld ? 'held' : 'pulled' })
    }
  } finally {
    progress.end()
    transport.close()
  }
  return files
}

async function holds(path: string, { sizeBytes, sha256 }: ListedArtifact): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return found?.isFile() === true && found.size === sizeBytes && (await hashFile(path)) === sha256
}
