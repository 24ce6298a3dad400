/** Datasets: registered by upload, frozen into snapshots, handed to trainers through signed URLs. */

export { createSnapshot } from './create-snapshot.ts'
export type { Snapshot } from './dataset-view.ts'
export { deleteDataset } from './delete-dataset.ts'

export { getDatasetManifest } from './get-dataset-manifest.ts'

export { listDatasetFiles } from './list-files.ts'
export { createSplit } from './create-split.ts'
export { getDataset } from './get-dataset.ts'
export { registerDataset } from './register-dataset.ts'
export { collectSnapshots } from './collect-snapshots.ts'
export { deleteLater, finishDeletions } from './pending-deletions.ts'
export { sweepUploads } from './sweep-uploads.ts'
export { DatasetChanged, verifySource } from './verify-source.ts'
export { datasetRoutes } from './routes.ts'
