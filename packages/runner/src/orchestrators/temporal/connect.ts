import { makeTelemetryFilterString, NativeConnection, type NativeConnectionOptions, Runtime } from '@temporalio/worker'
import type { Logger } from '@trainyard/platform'
import type { TemporalConfig } from '../../config/orchestrators.ts'

/** Kinds of search attributes, as Temporal numbers them. */
const KEYWORD = 2
const SEARCH_ATTRIBUTES = ['TrainyardProject', 'TrainyardTrainer', 'TrainyardState']

let isInstalled = false

/** Once a process. Temporal's own handling of signals is left out: the runner stops its parts in turn. */
export function installRuntime(logger: Logger): void {
  if (isInstalled) return
  isInstalled = true
  const log = logger.child({ part: 'temporal' })
  Runtime.install({
    shutdownSignals: [],
    // While Temporal is away, each of its pollers would warn all the time. The orchestrator warns, too.
    telemetryOptions: {
      logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) },
    },
    logger: {
      log: (_level, message, meta) => log.debug({ ...meta }, message),
      trace: () => {},
      debug: () => {},
      info: () => {},
      warn: (message, meta) => log.warn({ ...meta }, message),
      error: (message, meta) => log.error({ ...meta }, message),
    },
  })
}

/**
 * Connects to Temporal, and registers the search attributes of jobs where they are missing.
 *
 * @throws when Temporal cannot be reached
 */
export async function connect(config: TemporalConfig, logger: Logger): Promise<NativeConnection> {
  installRuntime(logger)
  const { address, namespace, apiKey, tls } = config
  const options: NativeConnectionOptions = { address, tls }
  if (apiKey !== undefined) options.apiKey = apiKey
  const connection = await NativeConnection.connect(options)
  try {
    await registerAttributes(connection, namespace)
  } catch (error) {
    await connection.close()
    throw error
  }
  return connection
}

async function registerAttributes({ operatorService }: NativeConnection, namespace: string): Promise<void> {
  const { customAttributes } = await operatorService.listSearchAttributes({ namespace })
  const missing = SEARCH_ATTRIBUTES.filter((name) => customAttributes?.[name] === undefined)
  if (missing.length === 0) return
  const searchAttributes = Object.fromEntries(missing.map((name) => [name, KEYWORD]))
  try {
    await operatorService.addSearchAttributes({ namespace, searchAttributes })
  } catch (error) {
    const { customAttributes: now } = await operatorService.listSearchAttributes({ namespace })
    // Another replica was first.
    if (missing.every((name) => now?.[name] !== undefined)) return
    throw new Error(
      `the namespace "${namespace}" has no search attributes ${missing.join(', ')} (Keyword), and they cannot be added: create them with "temporal operator search-attribute create"`,
      { cause: error },
    )
  }
}
