import { createLogger, type Listening, listen, parseConfig, readHttpLimits, readSecretFiles } from '@trainyard/platform'
import { z } from 'zod'
import { createWeb } from './create-web.tsx'

const HttpUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https URL, such as "http://127.0.0.1:7600"' })

const Environment = z.object({
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: z.coerce.number({ error: 'must be a port number' }).int().min(0).max(65535).default(7602),
  REGISTRY_URL: HttpUrl.default('http://127.0.0.1:7600'),
  RUNNER_URL: HttpUrl.default('http://127.0.0.1:7600'),
  PAGES_SECRET: z.string().min(16, 'must have at least 16 characters').optional(),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
})

/**
 * Starts the pages as a server of their own, from environment variables.
 *
 * @throws ConfigError which names each invalid variable
 */
export async function serveWeb(environment: Record<string, string | undefined>): Promise<Listening> {
  const env = readSecretFiles(environment)
  const { HOST, PORT, REGISTRY_URL, RUNNER_URL, PAGES_SECRET, LOG_LEVEL } = parseConfig(Environment, env, 'the pages')
  const limits = readHttpLimits(env, 'the pages')
  const logger = createLogger({ name: 'web', level: LOG_LEVEL })
  const { app } = createWeb({ registryUrl: REGISTRY_URL, runnerUrl: RUNNER_URL, pagesSecret: PAGES_SECRET, logger })
  const listening = await listen(app, { host: HOST, port: PORT, limits, logger })
  logger.info({ url: listening.url }, 'the pages are served')
  return listening
}
