import type { Check, CheckResult } from '@trainyard/contract'
import { describe, expect, it } from 'vitest'
import { createHarness, pushBundle, reportOf } from '../testing/harness.ts'

describe('GET /v1/checks/{id}/live', () => {
  it('ends when a token that the token of its reader descends from is revoked', async () => {
    const harness = await createHarness()
    try {
      const { identity } = harness.registry.context
      const server = await harness.listen()
      const parent = await identity.createToken({ owner: 'ada', name: 'parent', scopes: ['push:acme'] })
      const child = { owner: 'ada', name: 'child', scopes: ['push:acme'], parentId: parent.id }
      const { secret: token } = await identity.createToken(child)
      // The registry was not started, so the check waits forever.
      const pushed = await pushBundle(harness, { name: 'acme/hidden', version: '1.0.0', token })
      const response = await fetch(`${server.url}/v1/checks/${pushed.headers.get('trainyard-check')}/live`, {
        headers: { authorization: `Bearer ${token}` },
      })
      let text = ''
      const reading = (async () => {
        for await (const chunk of response.body ?? []) text += Buffer.from(chunk).toString('utf8')
      })()
      await expect.poll(() => text, { timeout: 20_000 }).toContain('"received"')
      await identity.revokeToken(parent.id, 'ada')
      await reading
    } finally {
      await harness.close()
    }
  })

  it('sends the check each time one of its parts finishes, and ends with the verdict', async () => {
    let finish = () => {}
    const finished = new Promise<void>((resolve) => {
      finish = resolve
    })
    const passed = (name: string): CheckResult => ({ name, status: 'passed', findings: [] })
    const harness = await createHarness({
      validate: async ({ phases, onCheck }) => {
        if (!phases.includes('static')) await finished
        return reportOf([passed('manifest'), passed('secrets'), passed('compliance')], onCheck)
      },
    })
    try {
      const server = await harness.listen()
      const token = await harness.token(['push:acme'])
      const pushed = await pushBundle(harness, { name: 'acme/live', version: '1.0.0', token })
      const response = await fetch(`${server.url}/v1/checks/${pushed.headers.get('trainyard-check')}/live`, {
        headers: { authorization: `Bearer ${token}` },
      })
      expect(response.headers.get('content-type')).toBe('text/event-stream')
      const seen: Check[] = []
      let text = ''
      for await (const chunk of response.body ?? []) {
        text += Buffer.from(chunk).toString('utf8')
        const blocks = text.split('\n\n')
        text = blocks.pop() ?? ''
        for (const block of blocks) {
          const data = /^data: (.+)$/m.exec(block)?.[1]
          if (data) seen.push((JSON.parse(data) as { check: Check }).check)
        }
        const last = seen.at(-1)
        if (last?.state === 'received' && last.checks[0]?.status === 'waiting') await harness.registry.start()
        if (last?.checks[0]?.status === 'passed') finish()
      }
      expect(seen[0]).toMatchObject({ state: 'received', checks: [{ status: 'waiting' }, {}, {}, {}, {}, {}] })
      expect(seen.some((check) => check.state === 'checking' && check.checks[0]?.status === 'passed')).toBe(true)
      expect(seen.at(-1)).toMatchObject({ state: 'published', checks: [{}, {}, {}, {}, {}, { status: 'passed' }] })
    } finally {
      await harness.close()
    }
  })
})
