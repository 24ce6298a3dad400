import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { DatasetFormat, TargetFormat } from '@trainyard/contract'
import { afterAll } from 'vitest'
import { type ConvertDatasetOptions, convertDataset } from '../convert/convert-dataset.ts'
import { loadReader } from '../formats/readers.ts'
import type { ImageRecord, ReadOptions } from '../record/record.ts'
import type { LossReason } from '../report/loss-counter.ts'
import type { ConversionReport } from '../report/report.ts'

const dirs: string[] = []
afterAll(() => {
  for (const dir of dirs) rmSync(dir, { recursive: true, force: true })
})

/** A folder that is removed when the tests of the file have run. */
export function createDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'trainyard-pitfall-'))
  dirs.push(dir)
  return dir
}

/** A folder with these files. Values other than text and bytes are written as JSON. */
export function createFiles(files: Record<string, unknown>): string {
  const dir = createDir()
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true })
    const isRaw = typeof content === 'string' || Buffer.isBuffer(content)
    writeFileSync(join(dir, path), isRaw ? content : JSON.stringify(content))
  }
  return dir
}

/** Not square, so that swapped sides are detected. */
export const image = (id: number | string, more: object = {}) => ({
  id,
  file_name: `${id}.jpg`,
  width: 100,
  height: 50,
  ...more,
})

/** A COCO file, by default with one image and two classes. */
export const coco = (annotations: object[], more: object = {}) => ({
  images: [image(1)],
  categories: [
    { id: 1, name: 'cat' },
    { id: 2, name: 'dog' },
  ],
  annotations: annotations.map((item, index) => ({ id: index + 1, image_id: 1, category_id: 1, ...item })),
  ...more,
})

export const SQUARE = [[10, 10, 30, 10, 30, 30, 10, 30]]
export const SQUARE_BOX = [10, 10, 20, 20]

export interface Converted {
  report: ConversionReport
  dir: string
  count(reason: LossReason): number
  /** The text of a file of the result. */
  text(path: string): string
  json<T = { [key: string]: never }>(path: string): T
  /** All files, with their text. */
  files(): Record<string, string>
}

/** Converts a folder without copying images. */
export async function convert(
  source: string,
  to: TargetFormat,
  options: Partial<ConvertDatasetOptions> = {},
): Promise<Converted> {
  const target = options.target ?? join(createDir(), 'out')
  const report = await convertDataset({ source, target, to, images: 'none', ...options })
  const text = (path: string) => readFileSync(join(target, path), 'utf8')
  return {
    report,
    dir: target,
    count: (reason) => report.losses.find((loss) => loss.reason === reason)?.count ?? 0,
    text,
    json: (path) => JSON.parse(text(path)),
    files: () => readFiles(target),
  }
}

export function readFiles(dir: string): Record<string, string> {
  const entries = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const paths = entries.map((entry) => join(entry.parentPath, entry.name)).sort()
  return Object.fromEntries(paths.map((path) => [path.slice(dir.length + 1), readFileSync(path, 'latin1')]))
}

/** All records of a dataset. */
export async function read(dir: string, format: DatasetFormat, options: ReadOptions = {}) {
  const reader = await (await loadReader[format]())(dir, options)
  const records: ImageRecord[] = []
  for await (const record of reader.images()) records.push(record)
  return { reader, records, annotations: records.flatMap((record) => record.annotations) }
}
