import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { encodePng } from '../images/encode-png.ts'
import type { DatasetClassInfo, DatasetReader, ImageRecord } from '../record/record.ts'
import type { Loss } from '../report/loss-counter.ts'
import { ReportBuilder } from '../report/report.ts'
import type { CreateDatasetWriter, WriteContext, WriteOptions } from '../writing/dataset-writer.ts'

/** A folder that is removed when the test is over: `using folder = temporaryFolder()`. */
export function temporaryFolder(files: Readonly<Record<string, string | Uint8Array>> = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'trainyard-dataset-'))
  const write = (path: string, content: string | Uint8Array) => {
    mkdirSync(dirname(join(dir, path)), { recursive: true })
    writeFileSync(join(dir, path), content)
  }
  for (const [path, content] of Object.entries(files)) write(path, content)
  return { dir, write, [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }) }
}

/** A PNG of one colour. */
export function plainPng(width: number, height: number, [red, green, blue] = [90, 120, 150]): Buffer {
  const data = new Uint8Array(width * height * 3)
  for (let at = 0; at < data.length; at += 3) data.set([red ?? 0, green ?? 0, blue ?? 0], at)
  return encodePng({ width, height, channels: 3, data })
}

export function classesNamed(...names: string[]): DatasetClassInfo[] {
  return names.map((name, id) => ({ id, name }))
}

/** An image of 100 × 80 pixels without annotations and without a file. */
export function imageRecord(path: string, rest: Partial<ImageRecord> = {}): ImageRecord {
  return { path, width: 100, height: 80, split: undefined, annotations: [], ...rest }
}

/** The context of a writer with the default options, except that images are not copied. */
export function writeContext(
  target: string,
  dataset: WriteContext['dataset'],
  options: Partial<WriteOptions> = {},
): WriteContext & { report: ReportBuilder } {
  return {
    target,
    dataset,
    report: new ReportBuilder(),
    options: {
      task: dataset.taskType,
      images: 'none',
      multiPart: 'bridge',
      crowd: 'keep',
      ignored: 'keep',
      vocOneBased: false,
      minAreaPx: 1e-3,
      decimals: 6,
      signal: undefined,
      ...options,
    },
  }
}

/** Writes records with a writer and returns the losses. */
export async function writeRecords(
  create: CreateDatasetWriter,
  context: WriteContext,
  records: readonly ImageRecord[],
): Promise<Loss[]> {
  mkdirSync(context.target, { recursive: true })
  const writer = await create(context)
  for (const record of records) await writer.image(record)
  await writer.finish()
  return context.report.losses.list()
}

export async function readAll(reader: DatasetReader): Promise<{ records: ImageRecord[]; losses: Loss[] }> {
  const records: ImageRecord[] = []
  for await (const record of reader.images()) records.push(record)
  await reader.close?.()
  return { records, losses: reader.losses?.list() ?? [] }
}

/** The count of each loss. */
export function countLosses(losses: readonly Loss[]): Record<string, number> {
  return Object.fromEntries(losses.map(({ reason, count }) => [reason, count]))
}
