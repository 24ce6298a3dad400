import { startEmbeddedPostgres, listen } from '@trainyard/platform'
import { mkdtempSync, rmSync } from 'node:fs'
const dataDir = mkdtempSync('/tmp/w1/pg-')
const pg = await startEmbeddedPostgres({ dataDir })
process.env.TEST_DATABASE_URL = pg.url
const { createDatasetsTest, png, tarOf, dice, tarGzOf } = await import('./src/datasets/test-datasets.ts')
const { datasetRoutes, listDatasetFiles, createSnapshot } = await import('./src/datasets/index.ts')
const area = await createDatasetsTest()
const server = await listen(datasetRoutes(area.context), { host: '127.0.0.1', port: 0 })
const names = Array.from({length: 6500}, (_, i) => `images/${i}.png`)
const body = await tarGzOf({ 'annotations.json': dice(names.map(n => ({ file_name: n, width: 32, height: 32 }))), ...Object.fromEntries(names.map((n, i) => [n, png(i, 32, 32)])) })
console.log('body', body.length)
let t = performance.now()
const lap = (w: string) => { const n = performance.now(); console.log(w, Math.round(n - t), 'ms'); t = n }
for (const i of [1, 2]) {
  const r = await fetch(`${server.url}/v1/datasets?name=many`, { method: 'POST', body })
  const d = await r.json(); console.log(r.status, d.id, d.counts); lap('upload')
  const s = await createSnapshot(area.context, d.id); lap('snapshot')
  const p = await listDatasetFiles(area.context, s.id, { limit: 5000 }); lap('5000 files ' + p.files.length)
  const r2 = await fetch(`${server.url}/v1/datasets/${d.id}/files?limit=1000`); await r2.text(); lap('page of 1000 http')
}
console.log('zip:', await fetch(`${server.url}/v1/datasets?name=zip`, { method: 'POST', body: new Uint8Array(30_000_000).fill(65) }).then(async r => [r.status, (await r.json()).detail]))
await server.close(); await area.close(); await pg.stop(); rmSync(dataDir, { recursive: true, force: true })
