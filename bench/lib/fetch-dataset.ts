/**
 * A job's dataset fetch as a process of its own, so that time and CPU compare with those of other tools:
 * `fetch-dataset.ts CALLBACK_URL CACHE_DIR`. Prints how long it took inside, in milliseconds.
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
