import { describe, expect, it } from 'vitest'
import { AddressList } from './address-list.ts'
import { clientAddress, type ForwarderTrust, setRemoteAddress } from './client-address.ts'

const SECRET = 'a secret of the pages'
const none: ForwarderTrust = { trustedProxies: new AddressList() }

function addressOf(trust: ForwarderTrust, remote: string | undefined, forwarded?: string, secret?: string): string {
  const headers = new Headers()
  if (forwarded !== undefined) headers.set('x-forwarded-for', forwarded)
  if (secret !== undefined) headers.set('x-trainyard-pages', secret)
  const request = new Request('http://api.test/', { headers })
  setRemoteAddress(request, remote)
  return clientAddress(request, trust)
}

describe('the address of a client', () => {
  it.each(['127.0.0.1', '::1', '::ffff:127.0.0.1', '192.0.2.9', '10.0.0.1'])(
    'is that of the connection, whatever a stranger at %s forwards',
    (remote) => {
      expect(addressOf(none, remote, '198.51.100.7')).toBe(remote.replace('::ffff:', ''))
      const withSecret = { ...none, pagesSecret: SECRET }
      for (const guess of ['', 'x', SECRET.toUpperCase(), `${SECRET} `.slice(1)])
        expect(addressOf(withSecret, remote, '198.51.100.7', guess)).toBe(remote.replace('::ffff:', ''))
      expect(addressOf({ ...none, pagesSecret: '' }, remote, '198.51.100.7', '')).toBe(remote.replace('::ffff:', ''))
    },
  )

  it.each<[networks: string[], remote: string, forwarded: string, expected: string]>([
    [['127.0.0.1'], '127.0.0.1', '198.51.100.7', '198.51.100.7'],
    [['127.0.0.1'], '::ffff:127.0.0.1', '198.51.100.7', '198.51.100.7'],
    [['127.0.0.1'], '127.0.0.2', '198.51.100.7', '127.0.0.2'],
    [['10.0.0.0/8'], '10.9.8.7', '198.51.100.7', '198.51.100.7'],
    // What the client wrote comes first, and is never reached.
    [['10.0.0.0/8'], '10.9.8.7', '1.1.1.1, 198.51.100.7', '198.51.100.7'],
    [['10.0.0.0/8'], '10.9.8.7', '1.1.1.1, 198.51.100.7, 10.0.0.2', '198.51.100.7'],
    [['fd00::/8'], 'fd00::1', '2001:db8::5', '2001:db8::5'],
    [['10.0.0.0/8'], '10.9.8.7', '198.51.100.7:4711', '198.51.100.7'],
    [['10.0.0.0/8'], '10.9.8.7', '[2001:DB8::5]:4711', '2001:db8::5'],
    [['10.0.0.0/8'], '10.9.8.7', '198.51.100.7, anything <b>', '10.9.8.7'],
    [['10.0.0.0/8'], '10.9.8.7', '', '10.9.8.7'],
    [['0.0.0.0/0'], '10.9.8.7', '198.51.100.7', '198.51.100.7'],
  ])('behind the proxies %j, connected from %s with "%s", is %s', (networks, remote, forwarded, expected) => {
    expect(addressOf({ trustedProxies: new AddressList(networks) }, remote, forwarded)).toBe(expected)
  })

  it('is the viewer, whom the pages name last and prove with their secret', () => {
    const trust = { ...none, pagesSecret: SECRET }
    expect(addressOf(trust, '127.0.0.1', '198.51.100.7', SECRET)).toBe('198.51.100.7')
    expect(addressOf(trust, '127.0.0.1', '1.1.1.1, 198.51.100.7', SECRET)).toBe('198.51.100.7')
    const proxied = { trustedProxies: new AddressList(['10.0.0.0/8']), pagesSecret: SECRET }
    expect(addressOf(proxied, '127.0.0.1', '198.51.100.7, 10.0.0.2', SECRET)).toBe('198.51.100.7')
  })

  it('is unknown without a connection', () => {
    expect(addressOf(none, undefined, '198.51.100.7')).toBe('unknown')
  })
})

describe('a list of addresses', () => {
  it.each([
    'nginx',
    '10.0.0.0/33',
    '10.0.0/8',
    'fd00::/129',
    '10.0.0.1/8/8',
    '10.0.0.1/',
    'fe80::1%eth0',
    '10.0.0.1/-1',
  ])('refuses "%s" and says what it takes', (entry) => {
    expect(() => new AddressList(['10.0.0.1', entry])).toThrow(`"${entry}" is neither an IP address nor a network`)
  })
})
