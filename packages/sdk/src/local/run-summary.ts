import { relative } from 'node:path'
import type { ArtifactKind, Operation, PredictedObject } from '@trainyard/contract'
import { formatBytes, formatDuration } from '@trainyard/contract/format'
import type { MetricNumbers } from '../job.ts'
import { formatNumber } from './progress-line.ts'

/** How a run ended. */
export type RunEnd = 'completed' | 'failed' | 'cancelled'

interface SavedFile {
  kind: ArtifactKind
  path: string
  sizeBytes: number
}

/** More are not shown. */
const MAX_FILES = 10
const MAX_OBJECTS = 5

/** Collects what a local run did, and describes it at its end. */
export class RunSummary {
  readonly #operation: Operation
  readonly #runDir: string
  readonly #startedAt = performance.now()
  readonly #files = new Map<string, SavedFile>()
  readonly #images = new Set<string>()
  #metrics: MetricNumbers = {}

  constructor(operation: Operation, runDir: string) {
    this.#operation = operation
    this.#runDir = runDir
  }

  saved(file: SavedFile): void {
    this.#files.set(file.path, file)
  }

  metrics(metrics: MetricNumbers): void {
    this.#metrics = { ...this.#metrics, ...metrics }
  }

  predicted(imageName: string): void {
    this.#images.add(imageName)
  }

  /** Lines for a person. `cwd` is what paths are relative to. */
  describe(end: RunEnd, cwd: string = process.cwd()): string[] {
    const short = (path: string) => relative(cwd, path) || path
    const files = [...this.#files.values()]
    const metrics = Object.entries(this.#metrics).map(([name, value]) => `${name} ${formatNumber(value)}`)
    const images = this.#images.size
    const lines = [
      [`${this.#operation} ${end} after ${formatDuration(performance.now() - this.#startedAt)}`, ...metrics].join('  '),
      ...files
        .slice(0, MAX_FILES)
        .map(({ kind, path, sizeBytes }) => `  ${short(path)}  ${kind}, ${formatBytes(sizeBytes)}`),
    ]
    if (files.length > MAX_FILES) lines.push(`  and ${files.length - MAX_FILES} more files in ${short(this.#runDir)}`)
    if (this.#operation === 'predict') lines.push(`  ${images} ${images === 1 ? 'image' : 'images'} predicted`)
    lines.push(`  Journal: ${short(this.#runDir)}/journal.jsonl`)
    return lines
  }
}

/** `cat/1.png: cat 0.98, dog 0.02` */
export function describePredictions(imageName: string, objects: readonly PredictedObject[]): string {
  const shown = objects.slice(0, MAX_OBJECTS).map(({ className, classId, confidence }) => {
    const name = className === undefined || className === '' ? `class ${classId}` : className
    return `${name} ${confidence.toFixed(2)}`
  })
  const more = objects.length > MAX_OBJECTS ? [`and ${objects.length - MAX_OBJECTS} more`] : []
  return `${imageName}: ${[...shown, ...more].join(', ') || 'nothing found'}`
}
