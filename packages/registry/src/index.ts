/**
 * An OCI registry that lets nothing be pulled before it is checked, and the catalogue over it.
 *
 * ```ts
 * import { createLogger, createRegistry, createStore, openIdentity, readRegistryConfig } from '@trainyard/registry'
 *
 * const registry = await createRegistry({ config: readRegistryConfig(process.env), store, identity, logger })
 * await registry.start() // begins to make checks
 * await registry.app.request('/v1/trainers?q=yolo')
 * ```
 *
 * @module
 */

// The parts of the private ground that a registry is made of.
export {
  createLogger,
  createStore,
  type Identity,
  type Logger,
  listen,
  type ObjectStore,
  openIdentity,
  readStoreConfig,
} from '@trainyard/platform'
export { type RegistryConfig, readRegistryConfig } from './config.ts'
export type { RegistryContext } from './context.ts'
export { registryOpenApi } from './openapi.ts'
export { type CreateRegistryOptions, createRegistry, type Registry } from './registry.ts'
export { createForkValidate, type ForkValidateOptions } from './validation/fork-validate.ts'
export type { ValidateFunction, ValidateOptions } from './validation/validate.ts'
