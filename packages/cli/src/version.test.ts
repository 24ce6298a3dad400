import { expect, it } from 'vitest'
import { isOldNode, MIN_NODE, VERSION } from './version.ts'

it('compares versions of Node.js by number, with the oldest that package.json names', () => {
  expect(VERSION).toMatch(/^\d+\.\d+\.\d+/)
  expect(MIN_NODE).toBe('22.19')
  expect(['20.19.5', '22.2.0', '22.18.9', '9.0.0'].filter(isOldNode)).toHaveLength(4)
  expect(['22.19.0', '22.19.1', '22.100.0', '24.0.0'].filter(isOldNode)).toEqual([])
})
