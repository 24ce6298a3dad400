import { ErrorType } from './job-states.ts'

/** What a message reports: the type of its error, and the message without its prefix. */
export interface ClassifiedFailure {
  /** Undefined: the message does not tell. */
  errorType: ErrorType | undefined
  message: string
}

const PREFIX = new RegExp(`^\\s*(?:\\[(${ErrorType.options.join('|')})\\]|(${ErrorType.options.join('|')}):)\\s*`, 'i')

/** Messages of frameworks about a resource that ran out, and what to do. In this order: the first that matches counts. */
const RESOURCES: readonly { pattern: RegExp; advice: string }[] = [
  {
    pattern:
      /(?:CUDA|HIP|MPS|XPU)[^\n]{0,40}out of memory|OutOfMemoryError|CUBLAS_STATUS_ALLOC_FAILED|CUDNN_STATUS_ALLOC_FAILED|RESOURCE_EXHAUSTED|failed to allocate memory on (?:the )?device/i,
    advice: 'The memory of the GPU ran out: use a smaller batch or image size, or a GPU with more memory',
  },
  {
    pattern: /insufficient shared memory|Unexpected bus error encountered in worker/i,
    advice: 'Shared memory ran out: raise resources.shmMb in trainer.json, or use fewer workers',
  },
  {
    pattern: /No space left on device|ENOSPC|Disk quota exceeded/i,
    advice: 'Disk space ran out: raise resources.diskGb in trainer.json',
  },
  {
    pattern:
      /\bMemoryError\b|Cannot allocate memory|can't allocate memory|Unable to allocate [^\n]{0,60}(?:array|iB)|std::bad_alloc|heap out of memory|OutOfMemoryException|java\.lang\.OutOfMemory|DataLoader worker \(pid[^\n]{0,80}(?:killed|exited unexpectedly)/i,
    advice:
      'Memory ran out: raise resources.memoryMb in trainer.json, or use a smaller batch, image size or number of workers',
  },
]

/**
 * Recognises the type of a failure in its message: a type of this contract in front (`[DatasetError] …` or `DatasetError: …`), or a
 * resource that ran out. The message of the latter then also names the setting that limits it.
 */
export function classifyFailure(text: string): ClassifiedFailure {
  const [prefix = '', bracketed, plain] = PREFIX.exec(text) ?? []
  const name = (bracketed ?? plain)?.toLowerCase()
  const errorType = ErrorType.options.find((type) => type.toLowerCase() === name)
  if (errorType !== undefined) return { errorType, message: text.slice(prefix.length).trim() || text.trim() }
  const resource = RESOURCES.find(({ pattern }) => pattern.test(text))
  if (resource === undefined) return { errorType: undefined, message: text }
  return { errorType: 'ResourceError', message: `${text.replace(/[.\s]+$/, '')}. ${resource.advice}` }
}
