export { createClearmlAdapter } from './adapter.ts'
