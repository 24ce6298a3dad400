import { readFile, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { SplitName } from '@trainyard/contract'
import { z } from 'zod'
import { UsageError } from '../../errors.ts'

/** Beside the marker of a conversion, and like it no part of the dataset. */
const RECORD_NAME = '.trainyard-splits.json'

/** Another seed or ratio does not replace the splits of the first one. */
const MAX_RECORDS = 10

const Kept = z.object({ choices: z.string(), splits: z.record(z.string(), SplitName) })
const RecordFile = z.object({ records: z.array(Kept) })
type Kept = z.infer<typeof Kept>

/** The splits that runs with the same choices gave the images of a dataset: those images keep them. */
export class KeptSplits {
  readonly file: string
  readonly #choices: string
  readonly #records: readonly Kept[]

  private constructor(file: string, choices: string, records: readonly Kept[]) {
    this.file = file
    this.#choices = choices
    this.#records = records
  }

  /**
   * Reads the record in a folder, or beside a file. A conversion replaces the folder: read it before. Throws `UsageError` for a
   * record that is damaged: without it images would move, and no one would know.
   */
  static async read(path: string, choices: object): Promise<KeptSplits> {
    const isFile = await stat(path).then(
      (stats) => stats.isFile(),
      () => false,
    )
    const file = join(isFile ? dirname(path) : path, RECORD_NAME)
    const own = isFile ? { ...choices, file: basename(path) } : choices
    return new KeptSplits(file, JSON.stringify(own), await readRecords(file))
  }

  /** By path; undefined when no run with these choices recorded any. */
  get splits(): Map<string, SplitName> | undefined {
    const own = this.#own()
    return own && new Map(Object.entries(own.splits))
  }

  /** Images that are no longer in the dataset stay in the record: they keep their split if they return. */
  async write(splits: ReadonlyMap<string, SplitName>): Promise<void> {
    const earlier = this.#own()
    const own = { choices: this.#choices, splits: { ...earlier?.splits, ...Object.fromEntries(splits) } }
    const records = [own, ...this.#records.filter((record) => record !== earlier)].slice(0, MAX_RECORDS)
    await writeFile(this.file, `${JSON.stringify({ records })}\n`)
  }

  #own(): Kept | undefined {
    return this.#records.find(({ choices }) => choices === this.#choices)
  }
}

async function readRecords(file: string): Promise<Kept[]> {
  const text = await readFile(file, 'utf8').catch(() => undefined)
  if (text === undefined) return []
  const parsed = RecordFile.safeParse(parseJson(text))
  if (parsed.success) return parsed.data.records
  throw new UsageError(
    `${file} is damaged, and holds the splits of earlier runs: restore it, name the splits to keep with --previous and --no-record, or delete it for new splits`,
  )
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
