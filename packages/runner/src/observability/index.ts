import type { ObservabilityAdapter } from './adapter.ts'
import type { ObservabilityConfig } from './config.ts'
import type { ObservabilityContext } from './context.ts'
import { createAdapters } from './create-adapters.ts'
import { createFeed } from './feed/feeder.ts'

export interface Observability {
  start(): void
  stop(): Promise<void>
}

/** One feed for each backend; none knows of the others. */
export async function createObservability(
  context: ObservabilityContext,
  options: {
    config?: ObservabilityConfig | undefined
    /** Default: those that `config` names. */
    adapters?: readonly ObservabilityAdapter[] | undefined
  },
): Promise<Observability> {
  const { config } = options
  const adapters = options.adapters ?? (config === undefined ? [] : await createAdapters(config))
  const feeds = adapters.map((adapter) =>
    createFeed(context, adapter, {
      instanceId: context.instanceId,
      jobPages: config?.pagesUrl ?? context.config.publicUrl,
      ...(config?.limits === undefined ? {} : { limits: config.limits }),
    }),
  )
  return {
    start() {
      for (const feed of feeds) feed.start()
    },
    async stop() {
      await Promise.all(feeds.map((feed) => feed.stop()))
    },
  }
}
