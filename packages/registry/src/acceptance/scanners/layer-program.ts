/** The thread that reads layers. `scan-layer.ts` starts it and sends it one job after the other. */
import { parentPort } from 'node:worker_threads'
import { LayerRefused, type LayerScan, searchLayer } from '@trainyard/validator/image'
import { ScannerUnavailable } from './errors.ts'
import type { FromLayerWorker, LayerJob, ToLayerWorker } from './layer-messages.ts'
import { listLayer } from './list-layer.ts'
import { findMalware } from './malware/find-malware.ts'
import { findPackages } from './packages/find-packages.ts'
import { readLayerFile } from './read-layer-file.ts'

const waiting: ((message: ToLayerWorker) => void)[] = []
const send = (message: FromLayerWorker) => parentPort?.postMessage(message)

parentPort?.on('message', (message: ToLayerWorker) => {
  if (message.type === 'job') void work(message)
  else waiting.shift()?.(message)
})

async function work({ job, mediaType, limits }: Extract<ToLayerWorker, { type: 'job' }>): Promise<void> {
  const onFile = throttled((path, files) => send({ type: 'file', path, files }))
  try {
    send({ type: 'done', result: await run(job, { body: pieces(), mediaType, limits, onFile }) })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    if (error instanceof LayerRefused) send({ type: 'refused', reason })
    else if (error instanceof ScannerUnavailable) send({ type: 'unavailable', reason })
    else send({ type: 'failed', reason })
  }
}

function run(job: LayerJob, scan: LayerScan): Promise<unknown> {
  switch (job.kind) {
    case 'listing':
      return listLayer(scan)
    case 'file':
      return readLayerFile(scan, job)
    case 'secrets':
      return searchLayer(scan)
    case 'malware':
      return findMalware(scan, job)
    case 'packages':
      return findPackages(scan)
  }
}

/** The bytes of the layer. The next piece is asked for when it is needed. */
async function* pieces(): AsyncGenerator<Uint8Array> {
  for (;;) {
    const message = await new Promise<ToLayerWorker>((resolve) => {
      waiting.push(resolve)
      send({ type: 'pull' })
    })
    if (message.type === 'piece') yield message.bytes
    else if (message.type === 'broken') throw new Error(`the layer cannot be read from the store: ${message.reason}`)
    else return
  }
}

/** A few times a second. */
function throttled(report: (path: string, files: number) => void): (path: string) => void {
  let files = 0
  let nextMs = 0
  return (path) => {
    files += 1
    const now = performance.now()
    if (now < nextMs) return
    nextMs = now + 300
    report(path, files)
  }
}
