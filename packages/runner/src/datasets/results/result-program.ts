/** Makes one result in its own process, forked by `make-result.ts`: reading and converting would block the runner. */

import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MAX_DIFF_ENTRIES } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import {
  convertDataset,
  type DatasetDiff,
  type DatasetReader,
  diffDatasets,
  inspectImage,
  type Loss,
  LossCounter,
  openDataset,
  writeDatasetReport,
} from '@trainyard/datasets'
import { Order, type Outcome } from './messages.ts'

// Without the runner, the result has no reader.
process.on('disconnect', () => process.exit(0))
process.once('message', (data) => {
  void make(Order.parse(data))
    .then((): Outcome => ({ type: 'done' }))
    .catch((error: unknown): Outcome => {
      const message = error instanceof Error ? error.message : String(error)
      return { type: 'failed', message, isDatasetError: error instanceof DatasetError }
    })
    .then((outcome) => process.send?.(outcome))
})

async function make(order: Order): Promise<void> {
  switch (order.type) {
    case 'report': {
      const reader = { ...(await open(order.source)), losses: new LossCounter() }
      // What was left out when the dataset was registered: its files are not here.
      reader.losses.merge(order.losses as Loss[])
      const { dir } = order.source
      // The pages show pictures themselves.
      const options = { target: order.html, title: order.title, pictures: 0, dir, pixels: false }
      const description = await writeDatasetReport(withSizes(reader), options)
      return await writeFile(order.json, JSON.stringify(description))
    }
    case 'diff': {
      const diff = await diffDatasets(await open(order.before), await open(order.after))
      return await writeFile(order.json, JSON.stringify(limit(diff)))
    }
    case 'convert': {
      const { dir: source, format: from, taskType: task } = order.source
      const { losses } = await convertDataset({ source, from, task, to: order.to, target: order.target })
      // What the format could not hold is said in the tar.
      if (losses.length > 0)
        await writeFile(join(order.target, 'conversion-losses.json'), `${JSON.stringify({ losses }, null, 2)}\n`)
    }
  }
}

/** Opens a version without the images that its annotations list and that it does not have: they were left out. */
async function open({ dir, format, taskType }: { dir: string } & Pick<DatasetReader, 'format' | 'taskType'>) {
  const reader = await openDataset(dir, { format, task: taskType, outlines: taskType !== 'detection' })
  async function* images() {
    for await (const record of reader.images()) if (record.file !== undefined && existsSync(record.file)) yield record
  }
  return { ...reader, images }
}

/** The sizes of images whose format states none, from the headers of the files. */
function withSizes(reader: DatasetReader): DatasetReader {
  async function* images() {
    for await (const record of reader.images()) {
      const isKnown = record.width > 0 || record.file === undefined
      const size = isKnown ? undefined : inspectImage(record.file ?? '', 'placeholder.png')
      yield { ...record, width: size?.width ?? record.width, height: size?.height ?? record.height }
    }
  }
  return { ...reader, images }
}

/** The first entries of each list, and the lengths of all. */
function limit({ classes, images, objects, changes }: DatasetDiff) {
  const first = <T>(list: readonly T[]) => list.slice(0, MAX_DIFF_ENTRIES)
  return {
    classes: { added: first(classes.added), removed: first(classes.removed), renamed: first(classes.renamed) },
    images: {
      common: images.common,
      added: first(images.added),
      removed: first(images.removed),
      renamed: first(images.renamed),
      moved: first(images.moved),
      repainted: first(images.repainted),
    },
    objects,
    changes: first(changes).map(({ path, ...parts }) => ({
      path,
      added: first(parts.added),
      removed: first(parts.removed),
      moved: first(parts.moved),
      reclassified: first(parts.reclassified),
    })),
    counts: {
      added: images.added.length,
      removed: images.removed.length,
      renamed: images.renamed.length,
      moved: images.moved.length,
      repainted: images.repainted.length,
      changed: changes.length,
    },
  }
}
