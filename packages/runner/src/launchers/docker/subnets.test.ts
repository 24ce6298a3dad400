import { expect, it } from 'vitest'
import { pickSubnet } from './subnets.ts'

const first = () => 0

it('gives a block that touches nothing that is taken', () => {
  expect(pickSubnet('10.213.0.0/16', [], first)).toBe('10.213.0.0/29')
  expect(pickSubnet('10.213.0.0/16', ['10.213.0.0/29'], first)).toBe('10.213.0.8/29')
  expect(pickSubnet('10.213.0.0/16', ['10.213.0.0/24', '172.17.0.0/16', 'fd00::/64'], first)).toBe('10.213.1.0/29')
  expect(pickSubnet('10.213.0.0/16', ['10.213.0.16/28'], first)).toBe('10.213.0.0/29')
})

it('begins at a place by chance and goes around', () => {
  expect(pickSubnet('10.213.0.0/16', [], () => 0.5)).toBe('10.213.128.0/29')
  expect(pickSubnet('10.213.0.0/28', ['10.213.0.8/29'], () => 0.99)).toBe('10.213.0.0/29')
})

it('has as many as fit', () => {
  const taken: string[] = []
  for (let subnet = pickSubnet('192.168.200.0/24', taken); subnet; subnet = pickSubnet('192.168.200.0/24', taken))
    taken.push(subnet)
  expect(new Set(taken).size).toBe(32)
  expect(pickSubnet('10.213.0.0/16', ['10.0.0.0/8'])).toBeUndefined()
})
