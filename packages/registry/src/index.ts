/**
 * An OCI registry that publishes trainers after they passed their checks, with a searchable catalogue.
 *
 * ```ts
 * import { createLogger, createRegistry, createStore, openIdentity, readRegistryConfig } from '@trainyard/registry'
 *
 * const registry = await createRegistry({ config: readRegistryConfig(process.env), store, identity, logger })
 * await registry.start() // runs checks
 * await registry.app.request('/v1/trainers?q=yolo')
 * ```
 *
 * @module
 */

// The parts of the private platform package that a registry is assembled from.
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
