import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

/** Runs the program with a proxy; resolves with the hosts that the proxy was asked for. */
async function hostsOfProxy(url: string, env: Record<string, string> = {}) {
  const hosts: string[] = []
  const proxy = createServer((request, response) => {
    hosts.push(new URL(request.url ?? '').host)
    response.writeHead(502).end()
  })
  proxy.on('connect', (request, socket) => {
    hosts.push(request.url ?? '')
    socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
  const main = fileURLToPath(new URL('../main.ts', import.meta.url))
  const child = spawn(
    process.execPath,
    ['--conditions=trainyard-source', main, 'jobs', 'ls', '--url', url, '--token', 'ty_x'],
    { env: { PATH: process.env.PATH, HOME: '/nonexistent', HTTP_PROXY: address, HTTPS_PROXY: address, ...env } },
  )
  const [code] = await once(child, 'close')
  proxy.close()
  expect(code).toBe(3)
  return hosts
}

test('requests go through the proxy of HTTP_PROXY and HTTPS_PROXY', async () => {
  expect((await hostsOfProxy('https://trainyard.invalid'))[0]).toBe('trainyard.invalid:443')
  expect((await hostsOfProxy('http://trainyard.invalid'))[0]).toMatch(/^trainyard\.invalid(:80)?$/)
})

test('hosts of NO_PROXY and this machine are reached directly', async () => {
  expect(await hostsOfProxy('http://trainyard.invalid', { NO_PROXY: '.invalid,example.com' })).toEqual([])
  expect(await hostsOfProxy('http://127.0.0.1:1')).toEqual([])
})
