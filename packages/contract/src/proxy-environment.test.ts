import { expect, test } from 'vitest'
import { proxyEnvironment } from './proxy-environment.ts'

test('is undefined without a proxy', () => {
  expect(proxyEnvironment({ NO_PROXY: 'example.com', HTTP_PROXY: '', PATH: '/bin' })).toBeUndefined()
})

test('takes upper and lower case, and reaches this machine directly', () => {
  const direct = 'example.com,localhost,127.0.0.1,::1'
  expect(proxyEnvironment({ https_proxy: 'http://proxy:3128', NO_PROXY: 'example.com', PATH: '/bin' })).toEqual({
    https_proxy: 'http://proxy:3128',
    NO_PROXY: direct,
    no_proxy: direct,
  })
})
