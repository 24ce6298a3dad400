import { expect, it } from 'vitest'
import { isLoopback, reachableFromContainers } from './callback-url.ts'

it.each([
  ['http://127.0.0.1:7600', 'http://host.docker.internal:7600'],
  ['http://localhost:7600/', 'http://host.docker.internal:7600'],
  ['http://[::1]:7600', 'http://host.docker.internal:7600'],
  ['https://trainyard.example/runner', 'https://trainyard.example/runner'],
])('containers reach %s as %s', (url, expected) => {
  expect(reachableFromContainers(url, 'host.docker.internal')).toBe(expected)
})

it('recognises loopback addresses', () => {
  expect(isLoopback('http://127.8.9.1')).toBe(true)
  expect(isLoopback('http://127.example')).toBe(false)
})
