import { expect, it } from 'vitest'
import { firstAddress, pickSubnet } from './subnets.ts'

const first = () => 0

it('returns a subnet that overlaps with none of the taken ones', () => {
  expect(pickSubnet('10.213.0.0/16', [], first)).toBe('10.213.0.0/29')
  expect(pickSubnet('10.213.0.0/16', ['10.213.0.0/29'], first)).toBe('10.213.0.8/29')
  expect(pickSubnet('10.213.0.0/16', ['10.213.0.0/24', '172.17.0.0/16', 'fd00::/64'], first)).toBe('10.213.1.0/29')
  expect(pickSubnet('10.213.0.0/16', ['10.213.0.16/28'], first)).toBe('10.213.0.0/29')
})

it('starts at a random block and wraps around', () => {
  expect(pickSubnet('10.213.0.0/16', [], () => 0.5)).toBe('10.213.128.0/29')
  expect(pickSubnet('10.213.0.0/28', ['10.213.0.8/29'], () => 0.99)).toBe('10.213.0.0/29')
})

it('returns undefined once every subnet is taken', () => {
  const taken: string[] = []
  for (let subnet = pickSubnet('192.168.200.0/24', taken); subnet; subnet = pickSubnet('192.168.200.0/24', taken))
    taken.push(subnet)
  expect(new Set(taken).size).toBe(32)
  expect(pickSubnet('10.213.0.0/16', ['10.0.0.0/8'])).toBeUndefined()
})

it('knows the first address of a range', () => {
  expect(firstAddress('172.17.0.0/16')).toBe('172.17.0.1')
  expect(firstAddress('fd00::/64')).toBeUndefined()
})
