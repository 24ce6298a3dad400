import { findSchemathesis, runSchemathesis } from '@trainyard/platform/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createHarness, type Harness } from './testing/harness.ts'

const program = findSchemathesis()

describe.skipIf(!program)('the OpenAPI document of the registry, compared with the running server', () => {
  let harness: Harness
  let url: string
  beforeAll(async () => {
    harness = await createHarness()
    url = (await harness.listen()).url
  })
  afterAll(() => harness.close())

  it.each([['an anonymous caller'], ['an owner']])('matches the responses to %s', { timeout: 300_000 }, async (who) => {
    const token = who === 'an anonymous caller' ? undefined : await harness.token(['push:acme'])
    const { code, output } = await runSchemathesis(program ?? '', {
      url,
      parameters: { '^/v1/trainers/': { namespace: 'acme' } },
      args: token === undefined ? [] : ['--header', `Authorization: Bearer ${token}`],
    })
    expect(code, output).toBe(0)
  })
})
