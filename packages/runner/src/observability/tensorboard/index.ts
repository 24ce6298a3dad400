export { createTensorboardAdapter } from './adapter.ts'
