/** Appends events until it is killed: `append-until-killed.ts CALLBACK_URL SPOOL_FILE`. */
import { createTransport } from '@trainyard/datasets/transfer'
import { createPlatformApi } from '../http/platform-api.ts'
import { createTokenSource } from '../http/token-source.ts'
import { Journal } from '../journal/journal.ts'

const [, , baseUrl = '', spoolFile = ''] = process.argv
const token = createTokenSource({ token: 'token' })
const api = createPlatformApi({ baseUrl, token, transport: createTransport() })
const journal = new Journal({ api, token, attempt: 1, spoolFile, batch: { delayMs: 5, maxEvents: 20 } })

journal.append({ type: 'started' })
let epoch = 0
setInterval(() => {
  for (let count = 0; count < 10; count++)
    journal.append({ type: 'progress', epoch: ++epoch, metrics: { loss: 1 / epoch } })
  if (epoch === 100) console.log('far enough')
}, 2)
