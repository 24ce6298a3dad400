/** Datasets: registered by upload, frozen into snapshots, handed to trainers through signed URLs. */

export { collectSnapshots } from './collect-snapshots.ts'
export { createSnapshot } from './create-snapshot.ts'
export { createSplit } from './create-split.ts'
export type { Snapshot } from './dataset-view.ts'
export { deleteDataset } from './delete-dataset.ts'
export { getDatasetManifest } from './get-dataset-manifest.ts'
export { listDatasetFiles } from './list-files.ts'
export { deleteLater, finishDeletions } from './pending-deletions.ts'
export { registerDataset } from './register-dataset.ts'
export { datasetRoutes } from './routes.ts'
export { sweepUploads } from './sweep-uploads.ts'
export { DatasetChanged, verifySource } from './verify-source.ts'
