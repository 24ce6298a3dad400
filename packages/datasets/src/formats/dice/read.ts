import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { DICE_FILE_NAMES, type TaskType } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { countSkipped } from '../../files/count-skipped.ts'
import { listFiles } from '../../files/list-files.ts'
import { asUtf8 } from '../../json/as-utf8.ts'
import type { DatasetReader, ReadOptions } from '../../record/record.ts'
import { LossCounter } from '../../report/loss-counter.ts'
import { countOthers } from '../count-others.ts'
import { indexDiceFile } from './index-dice-file.ts'
import { readHead } from './read-head.ts'
import { DiceImageReader } from './read-images.ts'

/** The DICE annotation files at the root of a folder. */
export async function findDiceFiles(dir: string): Promise<string[]> {
  const names = await readdir(dir).catch((): string[] => [])
  return DICE_FILE_NAMES.filter((name) => names.includes(name))
}

/** The DICE annotation file that is read for a task: the one with its name, else the first. Undefined for none. */
export async function findDiceFile(dir: string, task?: TaskType): Promise<string | undefined> {
  const found = await findDiceFiles(dir)
  return found.find((name) => name === `annotations_${task}.json`) ?? found[0]
}

/**
 * Opens a dataset in the platform's own format, nested or flat. The file is read twice, from end to end and then image
 * by image, so that memory does not grow with it. Throws `DatasetError` with the fields that are wrong.
 */
export async function readDice(dir: string, options: ReadOptions = {}): Promise<DatasetReader> {
  const { task, name: datasetName = `"${dir}"`, onIssue, signal } = options
  const name = await findDiceFile(dir, task)
  if (name === undefined) {
    const message = `No DICE annotation file (${DICE_FILE_NAMES.join(', ')}) in ${datasetName}`
    throw new DatasetError(message, { reason: 'no-annotations' })
  }
  const { file, remove } = await asUtf8(join(dir, name), signal)
  const index = await indexDiceFile(file, name, signal)
  const head = readHead(index, name, task)
  if (index.imageOffsets.length === 0) {
    throw new DatasetError(`${name} lists no images: a dataset needs at least one`, { reason: 'no-images' })
  }
  const losses = new LossCounter()
  for (const number of index.orphans) losses.add('annotation-of-missing-image', `annotations[${number}] in ${name}`)
  const reader: DatasetReader = {
    format: 'dice',
    taskType: head.taskType,
    classes: head.classes,
    attributes: head.attributes,
    losses,
    async *images() {
      const seen = new Set<string>()
      for (const record of new DiceImageReader({ dir, file, name, index, head, losses, onIssue }).read()) {
        seen.add(record.path)
        yield record
      }
      const listing = await listFiles(dir, options)
      countSkipped(listing, losses)
      const own = new Set<string>(DICE_FILE_NAMES)
      const isOwn = (path: string) => own.has(path)
      countOthers({ dir, files: listing.files, isOwn, isRead: (path) => seen.has(path), losses })
    },
  }
  if (remove !== undefined) reader.close = remove
  if (head.datasetName !== undefined) reader.name = head.datasetName
  return reader
}
