import { expect, it } from 'vitest'
import { networkPolicySpec, parseDestination } from './network-policy.ts'
import { resolveDestinations } from './resolve-destinations.ts'

const api = [{ ip: '10.0.0.1', port: 6443 }]
const blocks = (destinations: Parameters<typeof networkPolicySpec>[1]) =>
  networkPolicySpec({ a: 'b' }, destinations, api)
    .egress?.slice(1)
    .map(({ to, ports }) => ({ ...to?.[0]?.ipBlock, port: ports?.[0]?.port }))

it('excludes the denied addresses from networks that contain them, and from no others', () => {
  expect(blocks([parseDestination('10.0.0.0/8'), parseDestination('192.168.0.0/16:9000')])).toEqual([
    { cidr: '10.0.0.0/8', except: ['10.0.0.1/32'], port: undefined },
    { cidr: '192.168.0.0/16', port: 9000 },
  ])
  expect(blocks([parseDestination('::/0'), parseDestination('[fd00:ec2::/32]:443')])).toEqual([
    { cidr: '::/0', except: ['fd00:ec2::254/128'], port: undefined },
    { cidr: 'fd00:ec2::/32', except: ['fd00:ec2::254/128'], port: 443 },
  ])
})

it('drops destinations that are denied addresses', () => {
  expect(
    blocks([{ cidr: '169.254.169.254/32' }, { cidr: '10.0.0.1/32' }, { cidr: '10.0.0.1/32', port: 6443 }]),
  ).toEqual([])
  // The platform can listen on another port of the API server's address.
  expect(blocks([{ cidr: '10.0.0.1/32', port: 7600 }])).toEqual([{ cidr: '10.0.0.1/32', port: 7600 }])
})

it('allows only the cluster’s own DNS', () => {
  const [dns] = networkPolicySpec({}, [], api).egress ?? []
  expect(dns?.ports).toEqual([
    { protocol: 'UDP', port: 53 },
    { protocol: 'TCP', port: 53 },
  ])
  expect(dns?.to).toHaveLength(1)
})

it('resolves names and keeps their ports', async () => {
  const resolve = async (host: string) => {
    if (host === 'nowhere.example') throw new Error('ENOTFOUND')
    return host === 'two.example' ? ['10.1.1.1', 'fd00::1'] : ['10.2.2.2']
  }
  expect(
    await resolveDestinations(
      ['http://10.9.9.9:7600/v1/jobs/1', 'https://two.example/bucket', 'http://[fd00::9]:81/'],
      ['one.example', 'one.example:8080', 'nowhere.example'],
      resolve,
    ),
  ).toEqual([
    { cidr: '10.9.9.9/32', port: 7600 },
    { cidr: '10.1.1.1/32', port: 443 },
    { cidr: 'fd00::1/128', port: 443 },
    { cidr: 'fd00::9/128', port: 81 },
    { cidr: '10.2.2.2/32' },
    { cidr: '10.2.2.2/32', port: 8080 },
  ])
})
