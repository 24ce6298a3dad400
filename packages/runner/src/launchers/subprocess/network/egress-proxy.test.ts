import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEgressProxy, decide, isPublic } from './egress-proxy.ts'
import { readPolicy, signPolicy } from './policy.ts'

const KEY = 'a key of the tests'
const basic = ({ user, password }: { user: string; password: string }) =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

describe('what a trainer may reach', () => {
  const policy = { trusted: ['127.0.0.1:9000'], hosts: ['Example.com', 'files.example.org:8443', '10.0.0.1'] }

  it.each([
    ['127.0.0.1', 9000, true],
    ['127.0.0.1', 9001, false],
    ['example.com', 443, true],
    ['EXAMPLE.com.', 80, true],
    ['sub.example.com', 443, false],
    ['files.example.org', 8443, true],
    ['files.example.org', 443, false],
    // Named, and within.
    ['10.0.0.1', 80, false],
    ['', Number.NaN, false],
  ])('%s:%i', (host, port, isAllowed) => {
    expect('host' in decide(policy, host, port)).toBe(isAllowed)
  })

  it('is nothing without credentials, or with those of somebody else', () => {
    expect(decide(undefined, 'example.com', 443)).toMatchObject({ status: 407 })
    expect(readPolicy(KEY, basic(signPolicy(KEY, policy)))).toEqual(policy)
    expect(readPolicy(KEY, basic(signPolicy('another key', policy)))).toBeUndefined()
    const { password } = signPolicy(KEY, policy)
    const { user } = signPolicy(KEY, { ...policy, trusted: ['127.0.0.1:22'] })
    for (const header of [basic({ user, password }), 'Basic', 'Bearer x', undefined])
      expect(readPolicy(KEY, header)).toBeUndefined()
  })

  it.each([
    ['127.0.0.1', false],
    ['169.254.169.254', false],
    ['192.168.1.1', false],
    ['::1', false],
    ['::ffff:127.0.0.1', false],
    ['::ffff:10.1.2.3', false],
    ['fd00::1', false],
    ['fe80::1', false],
    ['64:ff9b::7f00:1', false],
    ['0.0.0.0', false],
    ['8.8.8.8', true],
    ['2606:4700::1111', true],
  ])('an address is public or within: %s', (address, expected) => {
    expect(isPublic(address)).toBe(expected)
  })
})

describe('the proxy', () => {
  const proxy = createEgressProxy(KEY)
  const origin = createServer((message, response) =>
    response.end(JSON.stringify({ url: message.url, host: message.headers.host, told: message.rawHeaders.join() })),
  )
  let port: number
  let place: string
  beforeAll(async () => {
    for (const server of [proxy, origin]) {
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
    }
    port = (proxy.address() as AddressInfo).port
    place = `127.0.0.1:${(origin.address() as AddressInfo).port}`
  })
  afterAll(() => {
    for (const server of [proxy, origin]) server.close()
  })

  const ask = async (path: string, authorization?: string) => {
    const headers = { host: 'x', ...(authorization === undefined ? {} : { 'proxy-authorization': authorization }) }
    const sent = request({ host: '127.0.0.1', port, path, headers, agent: false }).end()
    const [answer] = await once(sent, 'response')
    return { status: answer.statusCode, text: await new Response(answer).text() }
  }
  const tunnel = async (to: string, authorization: string) => {
    const socket = connect(port, '127.0.0.1')
    socket.write(`CONNECT ${to} HTTP/1.1\r\nHost: ${to}\r\nProxy-Authorization: ${authorization}\r\n\r\n`)
    const [answer] = await once(socket, 'data')
    return { socket, answer: String(answer) }
  }

  it('passes plain requests on, without its credentials', async () => {
    const authorization = basic(signPolicy(KEY, { trusted: [place], hosts: [] }))
    const { status, text } = await ask(`http://${place}/a?b=c`, authorization)
    expect([status, JSON.parse(text)]).toEqual([200, expect.objectContaining({ url: '/a?b=c', host: place })])
    expect(text).not.toContain('roxy-')
    expect((await ask('/a', authorization)).status).toBe(400)
    expect((await ask(`http://${place}/a`)).status).toBe(407)
  })

  it('makes tunnels, and none that lead within', async () => {
    const authorization = basic(signPolicy(KEY, { trusted: [place], hosts: ['localhost', '127.0.0.1'] }))
    const { socket, answer } = await tunnel(place, authorization)
    expect(answer).toMatch(/^HTTP\/1.1 200/)
    socket.write('GET /tunnelled HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    expect(String((await once(socket, 'data'))[0])).toContain('/tunnelled')
    socket.destroy()
    const [, number] = place.split(':')
    // By its name, which leads within; by another port of the same address.
    expect((await tunnel(`localhost:${number}`, authorization)).answer).toMatch(/ 502 .*no public address/s)
    expect((await tunnel(`127.0.0.1:${port}`, authorization)).answer).toMatch(/ 403 .*no public address/s)
  })
})
