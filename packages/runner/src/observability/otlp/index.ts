export { createOtlpAdapter } from './adapter.ts'
export { type CallbackTracing, createCallbackTracing } from './callback-tracing.ts'
