import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { createClient } from '../create-client.ts'

const CHUNK_BYTES = 64 * 1024
const CHUNKS = 3200

test('an upload of 200 MB does not stay in memory', async () => {
  const server = createServer((request, response) => {
    request.resume()
    request.on('end', () => response.writeHead(422).end())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let count = 0; count < CHUNKS; count++) yield new Uint8Array(CHUNK_BYTES)
  }
  const client = createClient({ runnerUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
  const before = process.memoryUsage().arrayBuffers
  try {
    await expect(client.datasets.upload(chunks(), { name: 'large' })).rejects.toMatchObject({ status: 422 })
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan((CHUNK_BYTES * CHUNKS) / 2)
  } finally {
    server.closeAllConnections()
    server.close()
  }
})
