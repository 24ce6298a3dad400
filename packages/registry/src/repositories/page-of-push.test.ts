import { expect, it } from 'vitest'
import { createHarness, endOfCheck, passes, pushBundle, reportOf } from '../testing/harness.ts'

const PAGES = 'https://pages.trainyard.test'
const finding = {
  code: 'TY408',
  severity: 'error' as const,
  message: 'no event',
  fingerprint: 'of-TY408',
  help: 'send events',
  docsUrl: 'https://example.org',
}

it('a push, a pull by its owner and a refused pull lead to the page with the checks', async () => {
  let isBad = false
  let release = () => {}
  let held: Promise<void> | undefined
  const harness = await createHarness({
    config: { pagesUrl: PAGES },
    validate: async (options) => {
      await held
      if (!isBad || !options.phases.includes('compliance')) return passes(options)
      return reportOf([{ name: 'compliance', status: 'failed', findings: [finding] }], options.onCheck)
    },
  })
  try {
    await harness.registry.start()
    const token = await harness.token(['push:acme'])
    const push = (version: string) => pushBundle(harness, { name: 'acme/told', version, token })
    const warningOf = async (version: string) =>
      (await harness.request(`/v2/acme/told/manifests/${version}`, { token })).headers.get('warning')
    const refusalOf = async (version: string) => {
      const answer = await harness.request(`/v2/acme/told/manifests/${version}`)
      return (await answer.json()) as { errors: { code: string; message: string }[] }
    }
    await endOfCheck(harness, token, await push('1.0.0'))
    expect(await warningOf('1.0.0')).toBeNull()

    isBad = true
    held = new Promise((resolve) => {
      release = resolve
    })
    const pushed = await push('1.1.0')
    const page = `${PAGES}/pushes/${pushed.headers.get('trainyard-check')}`
    expect(pushed.headers.get('warning')).toBe(
      `299 - "Received. Only its owner can pull it until its checks have passed: ${page}"`,
    )
    expect(await warningOf('1.1.0')).toContain('In quarantine: only its owner can pull it until its checks have passed')
    expect(await warningOf('1.1.0')).toContain(page)
    const waiting = { code: 'DENIED', message: expect.stringContaining('is in quarantine') }
    expect(await refusalOf('1.1.0')).toMatchObject({ errors: [waiting] })
    expect(JSON.stringify(await refusalOf('1.1.0'))).toContain(`its owner can follow them at ${page}`)

    release()
    expect((await endOfCheck(harness, token, pushed)).state).toBe('rejected')
    expect(await warningOf('1.1.0')).toContain(`Rejected: only its owner can pull it; the findings are at ${page}`)
    const message = `acme/told:1.1.0 was rejected: the check "compliance" failed; its owner can see the findings at ${page}`
    expect(await refusalOf('1.1.0')).toMatchObject({ errors: [{ code: 'DENIED', message }] })
  } finally {
    release()
    await harness.close()
  }
})
