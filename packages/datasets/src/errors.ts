import { ConfigError, DatasetError } from '@trainyard/contract/trainer-errors'
import type { LossReason } from './report/loss-counter.ts'
import type { ConversionReport } from './report/report.ts'

/** A conversion with `strict` would lose or change data. Nothing was written; `report` lists what would be lost. */
export class LossError extends DatasetError {
  readonly report: ConversionReport

  constructor(report: ConversionReport) {
    const parts = report.losses.map(({ reason, count, examples }) => `${count} × ${reason} (such as ${examples[0]})`)
    super(`The conversion would lose or change data, and strict is set: ${parts.join('; ')}`.slice(0, 2000))
    this.report = report
  }
}

/** A task needs an optional package that is not installed. Install it, then try again. */
export class MissingPackageError extends ConfigError {
  readonly packageName: string

  constructor(task: string, packageName: string, cause: unknown) {
    super(`${task} needs the package ${packageName}: npm install ${packageName}`, { cause })
    this.packageName = packageName
  }
}

/** Thrown and caught inside of the package: the masks of an image cannot be used. The image is left out and counted. */
export class MaskError extends Error {
  readonly reason: LossReason

  constructor(reason: LossReason, message: string) {
    super(message)
    this.reason = reason
  }
}

/** Thrown and caught inside of the package: a JSON file beside the annotations is about something else. */
export class NotCocoError extends Error {}

/** Thrown and caught inside of the package: a file is shorter than its header announces. */
export class ShortRead extends Error {}
