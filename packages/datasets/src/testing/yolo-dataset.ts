import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TaskType } from '@trainyard/contract'
import { readYolo } from '../formats/yolo/read.ts'
import { createYoloWriter } from '../formats/yolo/write.ts'
import type { DatasetClassInfo, DatasetReader, ImageRecord, ReadOptions } from '../record/record.ts'
import { ReportBuilder } from '../report/report.ts'
import type { WriteOptions } from '../writing/dataset-writer.ts'
import { createPng } from './test-dataset.ts'

/** A folder that is removed after the test: `using dir = temporaryFolder()`. */
export function temporaryFolder(): { path: string; [Symbol.dispose](): void } {
  const path = mkdtempSync(join(tmpdir(), 'trainyard-yolo-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

/** Writes files by path. A pair of numbers is a PNG of this size. */
export function writeTree(
  dir: string,
  files: Readonly<Record<string, string | Buffer | [width: number, height: number]>>,
) {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true })
    writeFileSync(join(dir, path), Array.isArray(content) ? createPng(...content) : content)
  }
}

export type TestRecord = Pick<ImageRecord, 'annotations'> & Partial<ImageRecord>

export interface WrittenYolo {
  report: ReportBuilder
  /** The text of a file of the result. */
  text(path: string): string
  /** The count of a loss. */
  lost(reason: Parameters<ReportBuilder['losses']['count']>[0]): number
  read(options?: ReadOptions): Promise<{ reader: DatasetReader; records: ImageRecord[] }>
}

/** Writes records (by default images of 100 × 50 pixels in train) as YOLO into `dir`, with their images. */
export async function writeYolo(
  dir: string,
  task: TaskType,
  records: readonly TestRecord[],
  { classes, options = {} }: { classes?: DatasetClassInfo[]; options?: Partial<WriteOptions> } = {},
): Promise<WrittenYolo> {
  const source = join(dir, 'source')
  const target = join(dir, 'target')
  mkdirSync(target, { recursive: true })
  const report = new ReportBuilder()
  const writer = await createYoloWriter({
    target,
    dataset: {
      format: 'dice',
      taskType: task,
      classes: classes ?? [
        { id: 0, name: 'cat' },
        { id: 1, name: 'dog' },
      ],
    },
    report,
    options: {
      task,
      images: 'copy',
      multiPart: 'bridge',
      crowd: 'skip',
      ignored: 'keep',
      vocOneBased: false,
      minAreaPx: 1e-3,
      decimals: 6,
      signal: undefined,
      ...options,
    },
  })
  for (const [index, record] of records.entries()) {
    const path = record.path ?? `${index}.png`
    const { width = 100, height = 50 } = record
    if (width > 0 && height > 0 && record.file === undefined) writeTree(source, { [path]: [width, height] })
    await writer.image({ file: join(source, path), split: 'train', ...record, path, width, height })
  }
  await writer.finish()
  return {
    report,
    text: (path) => readFileSync(join(target, path), 'utf8'),
    lost: (reason) => report.losses.count(reason),
    read: (readOptions) => readAll(target, readOptions),
  }
}

export async function readAll(
  dir: string,
  options?: ReadOptions,
): Promise<{ reader: DatasetReader; records: ImageRecord[] }> {
  const reader = await readYolo(dir, options)
  const records: ImageRecord[] = []
  for await (const record of reader.images()) records.push(record)
  return { reader, records }
}
