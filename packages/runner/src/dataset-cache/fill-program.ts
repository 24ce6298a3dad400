/** Fills the dataset cache in a process of its own, forked by `fillers.ts`: digests and conversions would keep the runner from answering. */

import { ErrorType } from '@trainyard/contract'
import { fillCache } from '@trainyard/datasets/cache'
import { type FillOrder, type FromFiller, ToFiller } from './messages.ts'

/** Between two reports of how far it has come. */
const PROGRESS_PAUSE_MS = 500

// Who reads it runs as somebody else.
process.umask(0o022)

const asked = new Map<number, (json: unknown) => void>()
let questions = 0

const say = (message: FromFiller) => process.send?.(message)

// A runner that is gone leaves nobody to fill for.
process.on('disconnect', () => process.exit(0))
process.on('message', (data) => {
  const message = ToFiller.parse(data)
  if (message.type === 'answer') {
    asked.get(message.id)?.(message.json)
    asked.delete(message.id)
    return
  }
  void fill(message)
    .then((key): FromFiller => ({ type: 'done', key }))
    .catch((error: unknown): FromFiller => ({ type: 'failed', ...describe(error) }))
    .then(say)
})

async function fill({ key, type: _, ...order }: FillOrder): Promise<string> {
  let progress: FromFiller | undefined
  const reporting = setInterval(() => {
    if (progress !== undefined) say(progress)
    progress = undefined
  }, PROGRESS_PAUSE_MS)
  try {
    return await fillCache({
      ...order,
      versionHash: key,
      api: { call: (_method, path) => ask(path) },
      // Nobody stops it but by killing it.
      signal: new AbortController().signal,
      onWarning: (message) => say({ type: 'warning', message }),
      onProgress(files, totalFiles) {
        progress = { type: 'progress', files, totalFiles }
      },
    })
  } finally {
    clearInterval(reporting)
  }
}

function ask(path: string): Promise<unknown> {
  return new Promise((resolve) => {
    asked.set(++questions, resolve)
    say({ type: 'ask', id: questions, path })
  })
}

function describe(error: unknown): Omit<Extract<FromFiller, { type: 'failed' }>, 'type'> {
  const message = error instanceof Error ? error.message : String(error)
  const errorType = error instanceof Error && 'code' in error ? ErrorType.safeParse(error.code).data : undefined
  const isRetryable = error instanceof Error && 'retryable' in error && error.retryable === true
  // What has no type is none of the dataset's: a disk that cannot be written, a bug.
  return { errorType: errorType ?? 'UnknownError', message, retryable: errorType === undefined || isRetryable }
}
