import { expect, it } from 'vitest'
import { identityMigrations } from './index.ts'

it('the names of migrations are those that existing databases have recorded', () => {
  expect(Object.keys(identityMigrations)).toEqual([
    '2026-11-21-tokens-and-audit',
    '20261121T0350-people',
    '20261121T0830-password-resets',
    '20261129T1530-parents-of-tokens',
    '20261129T1531-names-in-audit',
    '20261129T1600-setup-and-owner',
    '20261129T1710-member-invitations',
  ])
})
