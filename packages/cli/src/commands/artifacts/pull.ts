import { mkdir, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { type ArtifactKind, type ArtifactList, isSafeRelativePath } from '@trainyard/contract'
import { formatBytes } from '@trainyard/contract/format'
import { createTransport, downloadFile, hashFile } from '@trainyard/datasets/transfer'
import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { UsageError } from '../../errors.ts'
import { connect, type ServerValues } from '../../server/connection.ts'
import { interruptible } from '../../terminal/interruptible.ts'
import { createPaint } from '../../terminal/paint.ts'
import { transferProgress } from '../../terminal/progress.ts'
import { printJson } from '../../terminal/table.ts'
import { cleanText, plural } from '../../terminal/text.ts'

type ListedArtifact = ArtifactList['artifacts'][number]

interface PullInput extends ServerValues {
  job: number
  to: string | undefined
  kind: ArtifactKind | undefined
  /** Empty: every name. */
  name: string[]
  json: boolean
}

export async function run({ job, to, kind, name: names, json, ...server }: PullInput, io: CliIo): Promise<number> {
  const client = await connect(server, io)
  const { artifacts } = await client.jobs.artifacts(job)
  const matching = artifacts.filter(
    (one) => (kind === undefined || one.kind === kind) && (names.length === 0 || names.includes(one.name)),
  )
  if (matching.length === 0) {
    const existing = artifacts.map((one) => `${one.name} (${one.kind})`).join(', ')
    throw new UsageError(`job ${job} has no such file; its files: ${cleanText(existing) || 'none'}`)
  }
  const dir = resolve(io.cwd, to ?? `job-${job}`)
  const files = await interruptible((signal) => pull(newestOfEachName(matching), dir, { io, silent: json, signal }))
  if (json) printJson(io, { dir, files })
  else {
    const paint = createPaint(io.stdout, io.env)
    for (const { path, sizeBytes, status } of files)
      io.stdout.write(`${paint('green', STATUS_TEXTS[status])} ${cleanText(path)} (${formatBytes(sizeBytes)})\n`)
    io.stdout.write(`${plural(files.length, 'file')} in ${dir}\n`)
  }
  return EXIT_CODES.ok
}

function newestOfEachName(artifacts: readonly ListedArtifact[]): ListedArtifact[] {
  const newest = new Map<string, ListedArtifact>()
  for (const one of artifacts) {
    const known = newest.get(one.name)
    if (known === undefined || one.attempt >= known.attempt) newest.set(one.name, one)
  }
  return [...newest.values()]
}

interface PulledFile {
  path: string
  sizeBytes: number
  sha256: string
  /** `held`: the file was already complete. */
  status: 'pulled' | 'held'
}

const STATUS_TEXTS = { pulled: 'downloaded', held: 'unchanged' } as const

async function pull(
  artifacts: readonly ListedArtifact[],
  dir: string,
  { io, silent, signal }: { io: CliIo; silent: boolean; signal: AbortSignal },
): Promise<PulledFile[]> {
  const transport = createTransport()
  const totalBytes = artifacts.reduce((sum, one) => sum + one.sizeBytes, 0)
  const progress = transferProgress(io.stderr, 'Downloading', totalBytes, silent)
  const files: PulledFile[] = []
  try {
    let doneBytes = 0
    for (const one of artifacts) {
      // Names come from the server: they must not lead out of the folder.
      if (!isSafeRelativePath(one.name))
        throw new Error(`the server sent the file name "${cleanText(one.name)}", which is not a safe path`)
      const path = join(dir, one.name)
      const status = (await isComplete(path, one)) ? 'held' : 'pulled'
      await mkdir(dirname(path), { recursive: true })
      if (status === 'pulled') await downloadFile({ transport, signal }, one, path, one.name)
      doneBytes += one.sizeBytes
      progress.update(doneBytes)
      files.push({ path, sizeBytes: one.sizeBytes, sha256: one.sha256, status })
    }
  } finally {
    progress.end()
    transport.close()
  }
  return files
}

async function isComplete(path: string, { sizeBytes, sha256 }: ListedArtifact): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return found?.isFile() === true && found.size === sizeBytes && (await hashFile(path)) === sha256
}
