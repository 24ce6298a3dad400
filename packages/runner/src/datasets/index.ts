/** Datasets: registered by upload, frozen into snapshots, handed to trainers through signed URLs. */

export type { DatasetContext } from './context.ts'
export { createSnapshot } from './create-snapshot.ts'
export type { Snapshot } from './dataset-view.ts'
export { deleteDataset, type FindLiveJobs } from './delete-dataset.ts'
export { getDataset } from './get-dataset.ts'
export { getDatasetManifest } from './get-dataset-manifest.ts'
export { listDatasets } from './list-datasets.ts'
export { type ListFilesOptions, listDatasetFiles, listFilesOfDataset } from './list-files.ts'
export { type RegisterDatasetOptions, registerDataset } from './register-dataset.ts'
export { type DatasetRoutesOptions, datasetRoutes } from './routes.ts'
export { type DatasetTables, datasetMigrations } from './tables.ts'
