/**
 * The pages of Trainyard as one fetch-style application.
 *
 * ```ts
 * import { createWeb } from '@trainyard/web'
 *
 * const { app } = createWeb({ registryUrl: 'http://127.0.0.1:7600', runnerUrl: 'http://127.0.0.1:7600' })
 * const page = await app.request('/')
 * ```
 *
 * @module
 */

export type { WebLogger } from './context.ts'
export { createWeb, type WebOptions } from './create-web.tsx'
export { serveWeb } from './serve-web.ts'
