/**
 * The dataset that a first start trains on: handwritten digits, as a folder in DICE.
 *
 * ```ts
 * const { dir } = await buildSampleDataset({ dir: '.trainyard/sample-dataset' })
 * await upload(packSampleDataset(dir))
 * ```
 *
 * @module
 */

export { buildSampleDataset } from './build-sample-dataset.ts'
export { packSampleDataset } from './pack-sample-dataset.ts'
