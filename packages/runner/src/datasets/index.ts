/** Datasets: registered from an archive or a bucket, copied into snapshots, served to trainers by signed URLs. */

export type { Snapshot } from './catalog/dataset-view.ts'
export { findVersion, parseVersionName } from './catalog/find-version.ts'
export { listDatasetFiles } from './catalog/list-files.ts'
export { sweepUploads } from './registration/sweep-uploads.ts'
export { collectResults } from './results/collect-results.ts'
export { datasetRoutes } from './routes.ts'
export { collectSnapshots } from './snapshots/collect-snapshots.ts'
export { createSnapshot } from './snapshots/create-snapshot.ts'
export { createSplit, getSplitRequest } from './snapshots/create-split.ts'
export { getDatasetManifest } from './snapshots/get-dataset-manifest.ts'
export { SourceChecks } from './sources/source-checks.ts'
export { deleteLater, finishDeletions, type PendingDeletion } from './storage/pending-deletions.ts'
