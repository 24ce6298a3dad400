/** The key of a dataset's file in the object store; without a path, the prefix of all its files. */
export function datasetKey(datasetId: string, path = ''): string {
  return `datasets/${datasetId}/${path}`
}

/** The key of what was made of a version; without a name, the prefix of all that was made of it. */
export function resultKey(versionId: string, name = ''): string {
  return `results/${versionId}/${name}`
}

/** The key of a snapshot's copy of an annotation file; without a path, the prefix of all its copies. */
export function snapshotKey(snapshotId: string, path = ''): string {
  return `snapshots/${snapshotId}/${path}`
}
