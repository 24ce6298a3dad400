/** A dataset whose objects are being stored. A row that outlives its process marks objects to remove. */
export interface DatasetUploadsTable {
  id: string
  started_at: Date
}
