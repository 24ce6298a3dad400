import { expect, test } from 'vitest'
import { readStartOptions, UsageError } from './options.ts'

test('the defaults are port 7600 on the loopback and a folder .trainyard', () => {
  expect(readStartOptions([], {})).toEqual({
    dataDir: '.trainyard',
    port: 7600,
    host: '127.0.0.1',
    once: false,
    allowUnsandboxed: false,
    serve: false,
    link: false,
  })
})

test('the command line takes precedence over the environment', () => {
  const env = { PORT: '9000', TRAINYARD_DATA_DIR: '/srv/a' }
  expect(readStartOptions(['--port', '9100', '--data', '/srv/b'], env)).toMatchObject({ port: 9100, dataDir: '/srv/b' })
  expect(readStartOptions([], env)).toMatchObject({ port: 9000, dataDir: '/srv/a' })
})

test('an invalid port is refused with the value seen', () => {
  expect(() => readStartOptions(['--port', '99999'], {})).toThrow(
    '--port is "99999"; expected a number from 0 to 65535',
  )
  expect(() => readStartOptions([], { PORT: 'http' })).toThrow(UsageError)
})

test('unknown and conflicting options are refused', () => {
  expect(() => readStartOptions(['--onse'], {})).toThrow(UsageError)
  expect(() => readStartOptions(['--once', '--serve'], {})).toThrow('cannot be used together')
})

test('--help needs nothing else', () => {
  expect(readStartOptions(['--help'], {})).toBeUndefined()
})
