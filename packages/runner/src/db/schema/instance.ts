/** A single row that identifies this database among all that use the same folders or backends. */
export interface InstanceTable {
  id: string
}
