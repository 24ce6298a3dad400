export { createDatabaseAdapter } from './adapter.ts'
