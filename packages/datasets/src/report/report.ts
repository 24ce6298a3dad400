import type { DatasetFormat, SplitName, TargetFormat, TaskType } from '@trainyard/contract'
import { type Loss, LossCounter, type LossReason } from './loss-counter.ts'

/** What was written to one split. */
export interface SplitReport {
  images: number
  annotations: number
}

/** One class and the number of its annotations. */
export interface ClassReport {
  id: number
  name: string
  annotations: number
}

/** The result of a conversion. */
export interface ConversionReport {
  from: DatasetFormat
  to: TargetFormat
  taskType: TaskType
  /** Absolute path of the result. */
  target: string
  /** Number of written images, with and without objects. */
  images: number
  /** Number of written annotations (rows, objects). */
  annotations: number
  /** By split; `unsplit` is for images without a split. */
  splits: Record<SplitName | 'unsplit', SplitReport>
  classes: ClassReport[]
  /** What was lost, skipped or changed, by reason. */
  losses: Loss[]
  /** True when the target had this result already and nothing was written. */
  isUnchanged: boolean
}

/** The counts of a builder as plain data. */
export interface ReportParts {
  splits: ConversionReport['splits']
  perClass: number[]
  losses: Loss[]
}

/** Counts what a writer writes. One instance for each conversion, filled by its writer. */
export class ReportBuilder {
  readonly losses = new LossCounter()
  readonly #perClass: number[] = []
  readonly #splits: Record<SplitName | 'unsplit', SplitReport> = {
    train: { images: 0, annotations: 0 },
    val: { images: 0, annotations: 0 },
    test: { images: 0, annotations: 0 },
    unsplit: { images: 0, annotations: 0 },
  }

  /** Counts one written image and the class of each of its annotations. */
  wrote(split: SplitName | undefined, classIds: readonly number[]): void {
    const counts = this.#splits[split ?? 'unsplit']
    counts.images++
    counts.annotations += classIds.length
    for (const id of classIds) this.#perClass[id] = (this.#perClass[id] ?? 0) + 1
  }

  /** The counts so far, to send to another thread. */
  parts(): ReportParts {
    return { splits: this.#splits, perClass: this.#perClass, losses: this.losses.list() }
  }

  /** Adds the counts of another builder. */
  absorb({ splits, perClass, losses }: ReportParts): void {
    for (const name of Object.keys(splits) as (keyof typeof splits)[]) {
      this.#splits[name].images += splits[name].images
      this.#splits[name].annotations += splits[name].annotations
    }
    perClass.forEach((count, id) => {
      this.#perClass[id] = (this.#perClass[id] ?? 0) + count
    })
    this.losses.merge(losses)
  }

  /** The number of images written so far. */
  get images(): number {
    return Object.values(this.#splits).reduce((sum, { images }) => sum + images, 0)
  }

  lose(reason: LossReason, example: string | (() => string), count = 1): void {
    this.losses.add(reason, example, count)
  }

  build(
    head: Pick<ConversionReport, 'from' | 'to' | 'taskType' | 'target'>,
    classes: readonly { id: number; name: string }[],
  ): ConversionReport {
    const splits = structuredClone(this.#splits)
    const total = (key: keyof SplitReport) => Object.values(splits).reduce((sum, split) => sum + split[key], 0)
    return {
      ...head,
      images: total('images'),
      annotations: total('annotations'),
      splits,
      classes: classes.map(({ id, name }) => ({ id, name, annotations: this.#perClass[id] ?? 0 })),
      losses: this.losses.list(),
      isUnchanged: false,
    }
  }
}
