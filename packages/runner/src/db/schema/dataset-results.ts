/** An object at `results/{dataset_id}/{name}` that was made of a version of a dataset, and can be made again. */
export interface DatasetResultsTable {
  dataset_id: string
  name: string
  used_at: Date
}
