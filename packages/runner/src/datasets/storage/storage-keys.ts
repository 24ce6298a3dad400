/** The key of a dataset's file in the object store; without a path, the prefix of all its files. */
export function datasetKey(datasetId: string, path = ''): string {
  return `datasets/${datasetId}/${path}`
}

/** The key of a snapshot's copy of an annotation file; without a path, the prefix of all its copies. */
export function snapshotKey(snapshotId: string, path = ''): string {
  return `snapshots/${snapshotId}/${path}`
}
