import type { DatasetReader } from '../record/record.ts'
import { type DatasetReport, type ValidateDatasetOptions, validateDataset } from '../validate/validate-dataset.ts'
import { type DatasetStatistics, Survey } from './survey.ts'

/** What is described, and how thoroughly. */
export type DescribeDatasetOptions = Omit<ValidateDatasetOptions, 'observe'>

/** The counts and findings of a dataset, and how its images and objects are distributed. */
export interface DatasetDescription extends DatasetReport {
  statistics: DatasetStatistics
}

/**
 * Describes a dataset in one pass: everything that `validateDataset` reports, and distributions of sizes, shapes and places
 * of images and objects. Memory grows with the paths of images, not with their objects.
 *
 * ```ts
 * const { classes, statistics } = await describeDataset(await openDataset('flowers'), { dir: 'flowers' })
 * ```
 */
export async function describeDataset(
  reader: DatasetReader,
  options: DescribeDatasetOptions = {},
): Promise<DatasetDescription> {
  const survey = new Survey(reader.classes)
  const report = await validateDataset(reader, { ...options, observe: (record, size) => survey.add(record, size) })
  return { ...report, statistics: survey.result() }
}
