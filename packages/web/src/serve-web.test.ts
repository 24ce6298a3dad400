import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import type { Listening } from '@trainyard/platform'
import { afterEach, describe, expect, it } from 'vitest'
import { serveWeb } from './serve-web.ts'

describe('the pages as a server of their own', () => {
  let server: Listening | undefined
  afterEach(async () => {
    await server?.close()
    server = undefined
  })

  it('close a connection whose headers do not arrive in the time that is set, as the other servers do', async () => {
    server = await serveWeb({ PORT: '0', LOG_LEVEL: 'silent', HTTP_HEADERS_TIMEOUT_SECONDS: '0.2' })
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
    const socket = connect(server.port, '127.0.0.1')
    socket.write('GET / HTTP/1.1\r\nHost: pages.test\r\n')
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 408 /)
  })

  it('refuse connections above the limit of one address', async () => {
    server = await serveWeb({ PORT: '0', LOG_LEVEL: 'silent', HTTP_MAX_CONNECTIONS_PER_ADDRESS: '1' })
    const first = connect(server.port, '127.0.0.1')
    await new Promise((resolve) => first.once('connect', resolve))
    first.write('GET /healthz HTTP/1.1\r\nHost: pages.test\r\n\r\n')
    await new Promise((resolve) => first.once('data', resolve))
    expect(await text(connect(server.port, '127.0.0.1'))).toMatch(/^HTTP\/1\.1 429 /)
    first.destroy()
  })

  it.each([
    ['HTTP_IDLE_TIMEOUT_SECONDS', '-1'],
    ['TRUSTED_PROXIES', 'nginx'],
    ['REGISTRY_URL', 'ftp://registry'],
    ['PAGES_SECRET', 'short'],
  ])('name %s when it is not valid', async (name, value) => {
    await expect(serveWeb({ PORT: '0', LOG_LEVEL: 'silent', [name]: value })).rejects.toThrow(name)
  })
})
