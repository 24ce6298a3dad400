import { PROBLEM_TEXTS, verifyCache } from '@trainyard/datasets/cache'
import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { interruptible } from '../../terminal/interruptible.ts'
import { createPaint } from '../../terminal/paint.ts'
import { printJson } from '../../terminal/table.ts'
import { plural } from '../../terminal/text.ts'
import { findCache } from './find-cache.ts'
import { formatDataset } from './format-dataset.ts'

const MAX_FILES_SHOWN = 10

type VerifiedDataset = Awaited<ReturnType<typeof verifyCache>>[number]

interface VerifyInput {
  dir: string | undefined
  repair: boolean
  json: boolean
}

export async function run({ dir, repair, json }: VerifyInput, io: CliIo): Promise<number> {
  const cacheDir = findCache(dir, io)
  const results = await interruptible((signal) => verifyCache({ cacheDir, repair, signal }))
  if (json) printJson(io, { cacheDir, results })
  else {
    for (const result of results) printResult(result, io)
    io.stdout.write(`${plural(results.length, 'dataset')} verified\n`)
  }
  const isDamaged = results.some(({ damaged }) => damaged.length > 0)
  return isDamaged ? EXIT_CODES.negative : EXIT_CODES.ok
}

function printResult({ dataset, damaged, withoutDigest, isRepaired }: VerifiedDataset, io: CliIo): void {
  const paint = createPaint(io.stdout, io.env)
  const verdict = damaged.length === 0 ? paint('green', 'intact ') : paint('red', 'damaged')
  io.stdout.write(`${verdict}  ${formatDataset(dataset, io)}\n`)
  const print = (line: string) => io.stdout.write(`    ${line}\n`)
  for (const { path, problem } of damaged.slice(0, MAX_FILES_SHOWN)) print(`${path}: ${PROBLEM_TEXTS[problem]}`)
  if (damaged.length > MAX_FILES_SHOWN) print(`and ${damaged.length - MAX_FILES_SHOWN} more`)
  if (withoutDigest > 0) print(`${plural(withoutDigest, 'file')} without a digest: only the size was compared`)
  if (isRepaired) print('removed what is damaged: the next job downloads or converts it again')
  else if (damaged.length > 0) print('remove what is damaged with: trainyard cache verify --repair')
}
