import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { AddressList } from './address-list.ts'
import { ForbiddenAddress, type OutsideRequest, requestOutside } from './outside-request.ts'

const seen: string[] = []
const server = createServer((request, response) => {
  seen.push(`${request.method} ${request.url} ${request.headers.host}`)
  if (request.url === '/never') return
  if (request.url === '/moved') response.writeHead(302, { location: '/elsewhere' }).end('moved')
  else if (request.url === '/endless') {
    response.writeHead(200)
    const write = () => {
      while (response.write('x'.repeat(1000)));
    }
    response.on('drain', write)
    write()
  } else response.writeHead(200).end('hello')
})
beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)))
afterAll(() => {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(resolve))
})

const loopback = new AddressList(['127.0.0.1'])
const none = new AddressList()
const port = () => (server.address() as AddressInfo).port
const local = (path: string, host = '127.0.0.1') => `http://${host}:${port()}${path}`
/** A resolver that knows every name by these addresses. */
const resolveTo = (...addresses: string[]) =>
  ((_name: string, _options: unknown, done: (error: null, found: unknown) => void) =>
    done(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )) as unknown as NonNullable<OutsideRequest['resolve']>

it.each([
  'http://127.0.0.1/',
  'https://127.0.0.1/',
  'https://127.1/',
  'https://2130706433/',
  'https://0x7f.1/',
  'https://[::1]/',
  'https://[::ffff:7f00:1]/',
  'https://169.254.169.254/latest/meta-data',
  'http://8.8.8.8/',
  'https://localhost/',
  'http://localhost/',
  'file:///etc/passwd',
])('%s is refused before a connection is made', async (url) => {
  await expect(requestOutside({ url, allowed: none })).rejects.toThrow('OUTBOUND_ALLOW')
})

it('refuses a name by the address that it resolves to, and connects to the address that was checked', async () => {
  const before = seen.length
  for (const address of ['10.0.0.1', '::1', '127.0.0.2'])
    await expect(
      requestOutside({ url: local('/', 'evil.example'), allowed: loopback, resolve: resolveTo(address) }),
    ).rejects.toBeInstanceOf(ForbiddenAddress)
  expect(seen).toHaveLength(before)
  const resolve = resolveTo('10.0.0.1', '127.0.0.1')
  expect(await requestOutside({ url: local('/', 'good.example'), allowed: loopback, resolve })).toEqual({
    status: 200,
    text: 'hello',
  })
  expect(seen.at(-1)).toBe(`GET / good.example:${port()}`)
})

it('follows no redirect', async () => {
  expect(await requestOutside({ url: local('/moved'), allowed: loopback })).toEqual({ status: 302, text: 'moved' })
  expect(seen.at(-1)).toContain('/moved')
})

it('reads only the beginning of an endless answer', async () => {
  const { text } = await requestOutside({ url: local('/endless'), allowed: loopback, maxAnswerBytes: 1500 })
  expect(text).toHaveLength(1500)
})

it('ends when there is no answer in time', async () => {
  const request = requestOutside({ url: local('/never'), allowed: loopback, timeoutMs: 50 })
  await expect(request).rejects.toThrow('no answer within 0.05 s')
})
