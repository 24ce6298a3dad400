import type { ObservabilityAdapter } from './adapter.ts'
import type { ObservabilityConfig } from './config.ts'
import type { ObservabilityContext } from './context.ts'
import { createAdapters } from './create-adapters.ts'
import { Feed } from './feed/feed.ts'

export interface Observability {
  /** Names of the backends. */
  backends: readonly string[]
  start(): void
  stop(): Promise<void>
}

export interface ObservabilityOptions {
  config?: ObservabilityConfig | undefined
  /** Default: those that `config` enables. */
  adapters?: readonly ObservabilityAdapter[] | undefined
}

/** Creates one feed for each backend. Feeds do not affect each other. */
export async function createObservability(
  context: ObservabilityContext,
  options: ObservabilityOptions,
): Promise<Observability> {
  const { config } = options
  const adapters = options.adapters ?? (config === undefined ? [] : await createAdapters(config))
  const feedOptions = {
    instanceId: context.instanceId,
    jobPages: config?.pagesUrl ?? context.config.publicUrl,
    limits: config?.limits,
  }
  const feeds = adapters.map((adapter) => new Feed(context, adapter, feedOptions))
  return {
    backends: adapters.map(({ name }) => name),
    start() {
      for (const feed of feeds) feed.start()
    },
    async stop() {
      await Promise.all(feeds.map((feed) => feed.stop()))
    },
  }
}
