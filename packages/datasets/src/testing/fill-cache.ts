/** Opens a cache entry as a job would: `fill-cache.ts CALLBACK_URL CACHE_DIR VERSION_HASH`. */
import { openCacheEntry } from '../cache/dataset-cache.ts'
import { fillFromPlatform } from '../cache/fill-from-platform.ts'
import { createTransport } from '../transfer/transport.ts'
import { createTestApi } from './create-test-api.ts'

const [, , baseUrl = '', cacheDir = '', versionHash = ''] = process.argv
const transport = createTransport()
const api = createTestApi(baseUrl)
const { index, release } = await openCacheEntry({ cacheDir, versionHash }, (dir) =>
  fillFromPlatform({ api, transport }, dir),
)
await release()
transport.close()
console.log(index.samples.length)
