/** Where the files of a dataset are in the object store; with no path, the prefix of them all. */
export function datasetKey(datasetId: string, path = ''): string {
  return `datasets/${datasetId}/${path}`
}

/** Where the copied annotation files of a snapshot are. */
export function snapshotKey(snapshotId: string, path = ''): string {
  return `snapshots/${snapshotId}/${path}`
}
