import { describe, expect, it } from 'vitest'
import { isLoopbackHost } from '../../http/loopback-host.ts'
import { isAddressedToLoopback, isCrossSite } from './request-origin.ts'

const head = (headers: Record<string, string>, method = 'POST') => ({
  method,
  url: 'http://127.0.0.1:7600/v1/jobs',
  headers: new Headers(headers),
})

describe('a loopback name', () => {
  it.each(['localhost', 'LOCALHOST', 'a.localhost', '127.0.0.1', '127.8.9.1', '::1', '[::1]'])('is %s', (name) => {
    expect(isLoopbackHost(name)).toBe(true)
  })
  it.each(['', '0.0.0.0', '10.0.0.1', 'evil.test', 'localhost.evil.test', '127.0.0.1.evil.test', '128.0.0.1'])(
    'is not %s',
    (name) => expect(isLoopbackHost(name)).toBe(false),
  )

  it.each([
    [{ host: 'localhost:7600' }, true],
    [{ host: '[::1]:7600' }, true],
    // A page whose name was rebound to this machine still sends that name.
    [{ host: 'evil.test:7600' }, false],
    [{ host: 'localhost@evil.test' }, false],
    [{ host: '127.0.0.1', 'x-forwarded-host': 'evil.test' }, false],
    [{ host: '127.0.0.1', 'x-forwarded-host': 'localhost, evil.test' }, false],
    [{ host: '127.0.0.1', 'x-forwarded-host': 'localhost:7602' }, true],
    [{}, true],
  ])('is what a request with %j is addressed to: %s', (headers, expected) => {
    expect(isAddressedToLoopback(head(headers as Record<string, string>))).toBe(expected)
  })
})

describe('a cross-site request', () => {
  it.each([
    [{ host: 'localhost:7600', origin: 'http://evil.test' }, true],
    [{ host: 'localhost:7600', origin: 'http://localhost:7601' }, true],
    [{ host: 'localhost:7600', origin: 'null' }, true],
    [{ host: 'localhost:7600', origin: '' }, true],
    [{ host: 'localhost:7600', origin: 'http://localhost:7600' }, false],
    [{ host: 'trainyard.test', origin: 'https://trainyard.test' }, false],
    [{ host: 'inner:7600', 'x-forwarded-host': 'trainyard.test', origin: 'https://trainyard.test' }, false],
    [{ host: 'localhost:7600' }, false],
    [{ host: 'localhost:7600', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }, true],
    [
      {
        host: 'localhost:7600',
        'sec-fetch-site': 'cross-site',
        'sec-fetch-mode': 'navigate',
        'sec-fetch-dest': 'document',
      },
      false,
    ],
    [{ host: 'localhost:7600', 'sec-fetch-site': 'same-origin' }, false],
  ])('has the headers %j: %s', (headers, expected) => {
    expect(isCrossSite(head(headers as Record<string, string>))).toBe(expected)
  })

  it('does not come from the public URL of the server', () => {
    const request = head({ host: 'inner:7601', origin: 'https://trainyard.test' })
    expect(isCrossSite(request, 'https://trainyard.test')).toBe(false)
    expect(isCrossSite(request, 'https://other.test')).toBe(true)
  })
})
