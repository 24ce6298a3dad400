/**
 * Fetches a job's dataset in a separate process, so that its time and CPU time are comparable with other tools:
 * `fetch-dataset.ts CALLBACK_URL CACHE_DIR`. Prints the time without the start of the process, in milliseconds.
 */
import { openCacheEntry } from '../../packages/datasets/src/cache/dataset-cache.ts'
import { fillFromPlatform } from '../../packages/datasets/src/cache/fill-from-platform.ts'
import { createTransport } from '../../packages/datasets/src/transfer/transport.ts'
import { createPlatformApi } from '../../packages/sdk/src/http/platform-api.ts'
import { createTokenSource } from '../../packages/sdk/src/http/token-source.ts'

const [, , baseUrl = '', cacheDir = ''] = process.argv
const started = performance.now()
const transport = createTransport()
const api = createPlatformApi({ baseUrl, token: createTokenSource({ token: 'bench' }), transport })
const entry = await openCacheEntry({ cacheDir, versionHash: 'b'.repeat(64) }, (dir) =>
  fillFromPlatform({ api, transport }, dir),
)
console.log(performance.now() - started)
await entry.release()
transport.close()
