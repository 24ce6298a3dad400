import { createLogger } from '@trainyard/platform'
import { createApp, describe } from './app.ts'
import type { RegistryContext } from './context.ts'

/** The OpenAPI document of the registry. It needs no database: routes read their context only when they are called. */
export function registryOpenApi(): Record<string, unknown> {
  const context = new Proxy({ logger: createLogger({ name: 'registry', level: 'silent' }) } as RegistryContext, {
    get(target, name) {
      if (name === 'logger') return target.logger
      throw new Error(`"${String(name)}" is not available: this context only describes the routes`)
    },
  })
  return describe(createApp(context))
}
