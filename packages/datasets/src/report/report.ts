import type { DatasetFormat, SplitName, TaskType } from '@trainyard/contract'
import { type Loss, LossCounter, type LossReason } from './loss-counter.ts'

/** One split and how much was written to it. */
export interface SplitReport {
  images: number
  annotations: number
}

/** One class and how often it was written. */
export interface ClassReport {
  id: number
  name: string
  annotations: number
}

/** What a conversion did. */
export interface ConversionReport {
  from: DatasetFormat
  to: DatasetFormat
  taskType: TaskType
  /** Absolute path of the folder that was written. */
  target: string
  /** Images that were written, also those without objects. */
  images: number
  /** Annotations (rows, objects) that were written. */
  annotations: number
  /** By split; `unsplit` holds the images that belong to none. */
  splits: Record<SplitName | 'unsplit', SplitReport>
  classes: ClassReport[]
  /** What was lost, left out or changed, by reason. */
  losses: Loss[]
  /** True when the target already held this very result and nothing was written. */
  isUnchanged: boolean
}

/** What a builder has counted, as plain data. */
export interface ReportParts {
  splits: ConversionReport['splits']
  perClass: number[]
  losses: Loss[]
}

/** Counts what a writer writes. One a conversion; the engine makes it, writers fill it. */
export class ReportBuilder {
  readonly losses = new LossCounter()
  readonly #perClass: number[] = []
  readonly #splits: Record<SplitName | 'unsplit', SplitReport> = {
    train: { images: 0, annotations: 0 },
    val: { images: 0, annotations: 0 },
    test: { images: 0, annotations: 0 },
    unsplit: { images: 0, annotations: 0 },
  }

  /** One image was written with annotations of these classes (a class once for each of its objects). */
  wrote(split: SplitName | undefined, classIds: readonly number[]): void {
    const counts = this.#splits[split ?? 'unsplit']
    counts.images++
    counts.annotations += classIds.length
    for (const id of classIds) this.#perClass[id] = (this.#perClass[id] ?? 0) + 1
  }

  /** What was counted so far, to be sent to another thread. */
  parts(): ReportParts {
    return { splits: this.#splits, perClass: this.#perClass, losses: this.losses.list() }
  }

  /** Adds what another builder counted. */
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

  /** How many images were written so far. */
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
