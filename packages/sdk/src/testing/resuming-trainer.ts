/**
 * A training that is killed and restarted within one attempt: `resuming-trainer.ts CALLBACK_URL SPOOL_FILE ROUND [end]`.
 * Each epoch has two steps, a log and metrics, and prints its number once the journal has accepted them. With `end` it completes
 * after five epochs.
 */
import { createTransport } from '@trainyard/datasets/transfer'
import { createPlatformApi } from '../http/platform-api.ts'
import { createTokenSource } from '../http/token-source.ts'
import { Journal } from '../journal/journal.ts'

const [, , baseUrl = '', spoolFile = '', round = '0', end] = process.argv
const token = createTokenSource({ token: 'token' })
const transport = createTransport()
const backoff = { baseMs: 5, capMs: 50 }
const api = createPlatformApi({ baseUrl, token, transport, backoff })
const batch = { delayMs: 3, maxEvents: 16 }
const journal = new Journal({ api, token, attempt: 1, spoolFile, batch, backoff })

if (!journal.isResumed) journal.append({ type: 'started' })
process.stdout.write('0\n')
for (let epoch = 1; end === undefined || epoch <= 5; epoch++) {
  for (let step = 1; step <= 2; step++) journal.append({ type: 'progress', epoch, step })
  journal.append({ type: 'log', level: 'info', message: `epoch ${epoch}` })
  journal.append({
    type: 'validation',
    epoch,
    primary: { name: 'round', value: Number(round), goal: 'maximize' },
    metrics: {},
  })
  process.stdout.write(`${epoch}\n`)
  await new Promise((resolve) => setTimeout(resolve, 1))
}
journal.append({ type: 'completed', result: { operation: 'train', metrics: {}, checkpointIds: [] } })
const { delivered } = await journal.close({ timeoutMs: 20_000 })
transport.close()
process.exitCode = delivered ? 0 : 2
