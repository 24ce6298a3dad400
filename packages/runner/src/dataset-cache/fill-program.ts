/** Fills the dataset cache in its own process, forked by `fillers.ts`: hashing and converting would block the runner. */

import { ErrorType } from '@trainyard/contract'
import { fillCache } from '@trainyard/datasets/cache'
import { type FillOrder, type FromFiller, ToFiller } from './messages.ts'

/** Time between two progress messages. */
const PROGRESS_PAUSE_MS = 500

// Trainers read the files as another user.
process.umask(0o022)

const waiting = new Map<number, (json: unknown) => void>()
let lastId = 0

const send = (message: FromFiller) => process.send?.(message)

// Without the runner, no job needs the dataset.
process.on('disconnect', () => process.exit(0))
process.on('message', (data) => {
  const message = ToFiller.parse(data)
  if (message.type === 'answer') {
    waiting.get(message.id)?.(message.json)
    waiting.delete(message.id)
    return
  }
  void fill(message)
    .then((key): FromFiller => ({ type: 'done', key }))
    .catch((error: unknown): FromFiller => ({ type: 'failed', ...describe(error) }))
    .then(send)
})

async function fill({ key, type: _, ...order }: FillOrder): Promise<string> {
  let progress: FromFiller | undefined
  const reporting = setInterval(() => {
    if (progress !== undefined) send(progress)
    progress = undefined
  }, PROGRESS_PAUSE_MS)
  try {
    return await fillCache({
      ...order,
      versionHash: key,
      api: { call: (_method, path) => get(path) },
      // The runner stops a fill by killing this process.
      signal: new AbortController().signal,
      onWarning: (message) => send({ type: 'warning', message }),
      onProgress(files, totalFiles) {
        progress = { type: 'progress', files, totalFiles }
      },
    })
  } finally {
    clearInterval(reporting)
  }
}

/** Requests a page of the dataset from the runner. */
function get(path: string): Promise<unknown> {
  return new Promise((resolve) => {
    waiting.set(++lastId, resolve)
    send({ type: 'ask', id: lastId, path })
  })
}

function describe(error: unknown): Omit<Extract<FromFiller, { type: 'failed' }>, 'type'> {
  const message = error instanceof Error ? error.message : String(error)
  const errorType = error instanceof Error && 'code' in error ? ErrorType.safeParse(error.code).data : undefined
  const isRetryable = error instanceof Error && 'retryable' in error && error.retryable === true
  // An error without a type is not caused by the dataset: a disk that cannot be written, or a bug.
  return { errorType: errorType ?? 'UnknownError', message, retryable: errorType === undefined || isRetryable }
}
