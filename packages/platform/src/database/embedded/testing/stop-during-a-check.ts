import { mkdirSync, truncateSync } from 'node:fs'
import { createLogger } from '../../../log.ts'
import { clusterFiles } from '../cluster.ts'
import { superviseEmbeddedPostgres } from '../supervise-embedded-postgres.ts'

// A large log that cannot be rotated: the supervisor reports it at the start of a check, and is stopped at that moment.
const [dataDir = ''] = process.argv.slice(2)
const { promise, resolve } = Promise.withResolvers<void>()
const logger = createLogger({ name: 'test', level: 'silent' })
logger.warn = () => void server.stop().then(resolve)
const server = await superviseEmbeddedPostgres({ dataDir, logger })
const { logFile } = clusterFiles(dataDir)
for (const folder of ['2', '3/not-empty']) mkdirSync(`${logFile}.${folder}`, { recursive: true })
truncateSync(logFile, 20_000_000)
await promise
