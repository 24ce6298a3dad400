/** One row: tells this database from any other that uses the same folders. */
export interface InstanceTable {
  id: string
}
