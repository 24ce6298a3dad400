export { createMlflowAdapter } from './adapter.ts'
