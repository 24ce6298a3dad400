export { createLokiAdapter } from './adapter.ts'
