import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SplitName } from '@trainyard/contract'
import { z } from 'zod'

/** Beside the marker of the conversion, and like it no part of the dataset. */
const NAME = '.trainyard-splits.json'

const KeptSplits = z.object({ choices: z.string(), splits: z.record(z.string(), SplitName) })

/**
 * The splits that an earlier `split` with the same choices wrote into a folder: its images keep them, so that images that are
 * added move no other. Undefined for another folder, and for other choices.
 */
export async function findKeptSplits(target: string, choices: object): Promise<Map<string, SplitName> | undefined> {
  const text = await readFile(join(target, NAME), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  try {
    const parsed = KeptSplits.safeParse(JSON.parse(text))
    if (!parsed.success || parsed.data.choices !== JSON.stringify(choices)) return undefined
    return new Map(Object.entries(parsed.data.splits))
  } catch {
    return undefined
  }
}

export async function keepSplits(
  target: string,
  choices: object,
  splits: ReadonlyMap<string, SplitName>,
): Promise<void> {
  const kept = { choices: JSON.stringify(choices), splits: Object.fromEntries(splits) }
  await writeFile(join(target, NAME), `${JSON.stringify(kept)}\n`)
}
