import { expect, it } from 'vitest'
import { decide } from './decide.ts'
import { planNetwork } from './plan-network.ts'
import { readPolicy } from './policy.ts'

const network = { gatewayDir: '/gate', relay: '/relay.cjs', key: 'a key of the tests' }

it.each([
  ['[::1]:9000', '::1', 9000],
  ['Mirror.Example.com:443', 'mirror.example.com', 443],
  ['[FD00::0:1]:9000', 'fd00::1', 9000],
  ['10.0.0.7:80', '10.0.0.7', 80],
])('the trusted address %s is normalised to %s:%i', (trusted, host, port) => {
  const request = { callbackUrl: 'http://127.0.0.1:4600/v1/jobs/1', networkHosts: [] }
  const { plan } = planNetwork(request, { ...network, trusted: [trusted] })
  const policy = readPolicy(network.key, plan.authorization)
  expect(decide(policy, host, port)).toEqual({ host, port, isPublicOnly: false })
})
