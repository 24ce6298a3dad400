export { createOtlpAdapter } from './adapter.ts'
export { createCallbackTracing } from './callback-tracing.ts'
