import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decide } from './decide.ts'
import { createEgressProxy } from './egress-proxy.ts'
import { readPolicy, signPolicy } from './policy.ts'

const KEY = 'a key of the tests'
const basic = ({ user, password }: { user: string; password: string }) =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

describe('the policy of a trainer', () => {
  const policy = { trusted: ['127.0.0.1:9000'], hosts: ['Example.com', 'files.example.org:8443', '10.0.0.1'] }

  it.each([
    ['127.0.0.1', 9000, true],
    ['127.0.0.1', 9001, false],
    ['example.com', 443, true],
    ['EXAMPLE.com.', 80, true],
    ['sub.example.com', 443, false],
    ['files.example.org', 8443, true],
    ['files.example.org', 443, false],
    // Named in the manifest, but internal.
    ['10.0.0.1', 80, false],
    ['', Number.NaN, false],
  ])('for %s:%i allows: %s', (host, port, isAllowed) => {
    expect('host' in decide(policy, host, port)).toBe(isAllowed)
  })

  it('allows nothing without credentials or with forged ones', () => {
    expect(decide(undefined, 'example.com', 443)).toMatchObject({ status: 407 })
    expect(readPolicy(KEY, basic(signPolicy(KEY, policy)))).toEqual(policy)
    expect(readPolicy(KEY, basic(signPolicy('another key', policy)))).toBeUndefined()
    const { password } = signPolicy(KEY, policy)
    const { user } = signPolicy(KEY, { ...policy, trusted: ['127.0.0.1:22'] })
    for (const header of [basic({ user, password }), 'Basic', 'Bearer x', undefined])
      expect(readPolicy(KEY, header)).toBeUndefined()
  })
})

describe('the proxy', () => {
  const proxy = createEgressProxy(KEY)
  const origin = createServer((message, response) =>
    response.end(JSON.stringify({ url: message.url, host: message.headers.host, headers: message.rawHeaders.join() })),
  )
  let port: number
  let address: string
  beforeAll(async () => {
    for (const server of [proxy, origin]) {
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
    }
    port = (proxy.address() as AddressInfo).port
    address = `127.0.0.1:${(origin.address() as AddressInfo).port}`
  })
  afterAll(() => {
    for (const server of [proxy, origin]) server.close()
  })

  const ask = async (path: string, authorization?: string) => {
    const sent = request({ host: '127.0.0.1', port, path, headers: { host: 'x' }, agent: false })
    if (authorization !== undefined) sent.setHeader('proxy-authorization', authorization)
    const [answer] = await once(sent.end(), 'response')
    return { status: answer.statusCode, text: await new Response(answer).text() }
  }
  const tunnel = async (to: string, authorization: string) => {
    const socket = connect(port, '127.0.0.1')
    socket.write(`CONNECT ${to} HTTP/1.1\r\nHost: ${to}\r\nProxy-Authorization: ${authorization}\r\n\r\n`)
    const [answer] = await once(socket, 'data')
    return { socket, answer: String(answer) }
  }

  it('forwards plain requests without the proxy credentials', async () => {
    const authorization = basic(signPolicy(KEY, { trusted: [address], hosts: [] }))
    const { status, text } = await ask(`http://${address}/a?b=c`, authorization)
    expect([status, JSON.parse(text)]).toEqual([200, expect.objectContaining({ url: '/a?b=c', host: address })])
    expect(text).not.toContain('roxy-')
    expect((await ask('/a', authorization)).status).toBe(400)
    expect((await ask(`http://${address}/a`)).status).toBe(407)
  })

  it('opens tunnels, but not to internal addresses', async () => {
    const authorization = basic(signPolicy(KEY, { trusted: [address], hosts: ['localhost', '127.0.0.1'] }))
    const { socket, answer } = await tunnel(address, authorization)
    expect(answer).toMatch(/^HTTP\/1.1 200/)
    socket.write('GET /tunnelled HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    expect(String((await once(socket, 'data'))[0])).toContain('/tunnelled')
    socket.destroy()
    const [, number] = address.split(':')
    // A name that resolves to an internal address; another port of the allowed address.
    expect((await tunnel(`localhost:${number}`, authorization)).answer).toMatch(/ 502 .*no public address/s)
    expect((await tunnel(`127.0.0.1:${port}`, authorization)).answer).toMatch(/ 403 .*not a public address/s)
  })
})
