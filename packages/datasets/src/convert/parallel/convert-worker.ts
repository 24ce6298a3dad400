/** The worker thread of a conversion: writes the ranges of images that it receives. */
import { parentPort, workerData } from 'node:worker_threads'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { openShared } from '../../formats/open-shared.ts'
import { loadWriter } from '../../formats/writers.ts'
import { LossCounter } from '../../report/loss-counter.ts'
import { ReportBuilder } from '../../report/report.ts'
import { withSplits } from '../../splits/with-splits.ts'
import type { WriteContext } from '../../writing/dataset-writer.ts'
import { usableImage } from '../usable-image.ts'
import type { FromWorker, ImageRange, WorkerInput } from './messages.ts'

const input = workerData as WorkerInput
const createWriter = await loadWriter[input.to]()

async function convert(range: ImageRange): Promise<FromWorker> {
  const report = new ReportBuilder()
  const { target, dataset } = input
  const context: WriteContext = { target, dataset, report, options: { ...input.options, signal: undefined } }
  const writer = await createWriter(context)
  const losses = new LossCounter()
  let images = 0
  const own = openShared(input.handle, losses, range)
  const reader = input.splits === undefined ? own : withSplits(own, input.splits)
  for await (const record of reader.images()) {
    const usable = usableImage(record, context)
    const writing = usable && writer.image(usable)
    if (writing !== undefined) await writing
    images++
  }
  report.losses.merge(losses.list())
  return { type: 'done', start: range.start, images, report: report.parts() }
}

function send(message: FromWorker): void {
  parentPort?.postMessage(message)
}

parentPort?.on('message', (range: ImageRange) => {
  convert(range).then(send, (error: unknown) =>
    send({
      type: 'failed',
      start: range.start,
      message: error instanceof Error ? error.message : String(error),
      isDataset: error instanceof DatasetError,
    }),
  )
})
send({ type: 'ready' })
