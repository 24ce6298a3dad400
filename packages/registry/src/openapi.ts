import { createLogger } from '@trainyard/platform'
import { createApp, describe } from './app.ts'
import type { RegistryContext } from './context.ts'

/** The OpenAPI document of the registry, without a database: routes touch their context only when they are called. */
export function registryOpenApi(): Record<string, unknown> {
  const nothing = new Proxy({ logger: createLogger({ name: 'registry', level: 'silent' }) } as RegistryContext, {
    get(target, name) {
      if (name === 'logger') return target.logger
      throw new Error(`"${String(name)}" is not there: this context only describes the routes`)
    },
  })
  return describe(createApp(nothing))
}
