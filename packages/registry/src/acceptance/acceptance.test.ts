import { randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  createHarness,
  endOfCheck,
  type Harness,
  passes,
  pushBundle,
  pushImage,
  reportOf,
  resultOf,
  tarGz,
  trainerManifest,
} from '../testing/harness.ts'

/** Ends the pause after which a check that errored is tried again. */
async function endPause({ registry: { context } }: Harness): Promise<void> {
  await context.database.db
    .updateTable('checks')
    .set({ lease_until: new Date(0) })
    .where('finished_at', 'is', null)
    .execute()
  await context.database.notify('check_queue', '')
}

describe('the acceptance of a version', () => {
  let harness: Harness
  let token: string
  beforeAll(async () => {
    harness = await createHarness()
    await harness.registry.start()
    token = await harness.token(['push:acme'])
  })
  afterAll(() => harness.close())

  it('publishes a bundle whose checks pass, with its manifest and README', async () => {
    const pushed = await pushBundle(harness, { name: 'acme/good', version: '1.0.0', token })
    expect(pushed.status).toBe(201)
    const check = await endOfCheck(harness, token, pushed)
    expect(check.state).toBe('published')
    expect(check.checks.map(({ name, status, required }) => [name, status, required])).toEqual([
      ['manifest', 'passed', true],
      ['secrets', 'passed', true],
      ['malware', 'skipped', false],
      ['sbom', 'passed', false],
      ['vulnerabilities', 'skipped', false],
      ['compliance', 'passed', true],
    ])
    for (const { status, reason } of check.checks) expect(reason === undefined).toBe(status === 'passed')
    const trainer = await (await harness.request('/v1/trainers/acme/good')).json()
    expect(trainer).toMatchObject({ latestVersion: '1.0.0', readme: '# Tiny\n', manifest: { name: 'acme/good' } })
  })

  it('rejects a version whose trainer.json has another name', async () => {
    const manifest = trainerManifest('acme/other', '1.0.0')
    const check = await endOfCheck(
      harness,
      token,
      await pushBundle(harness, { name: 'acme/misnamed', version: '1.0.0', token, manifest }),
    )
    expect(check.state).toBe('rejected')
    expect(resultOf(check, 'manifest')).toMatchObject({ status: 'failed', findings: [{ code: 'TY190' }] })
    const reason = 'the check "manifest" failed, so the trainer is not run'
    expect(resultOf(check, 'compliance')).toMatchObject({ status: 'skipped', reason })
  })

  it.each([
    ['is outside the folder', { name: '../evil.txt', body: 'x' }, '../evil.txt'],
    ['is absolute', { name: '/etc/evil', body: 'x' }, '/etc/evil'],
    ['is a symbolic link', { name: 'link', type: 'symlink', linkname: '/etc/passwd' }, 'link'],
  ] as const)('rejects a bundle with an entry that %s, and names the entry', async (what, item, shown) => {
    const name = `acme/hostile-${what.replaceAll(' ', '-')}`
    const items = [{ name: 'trainer.json', body: JSON.stringify(trainerManifest(name, '1.0.0')) }, item]
    const check = await endOfCheck(harness, token, await pushBundle(harness, { name, version: '1.0.0', token, items }))
    expect(check.state).toBe('rejected')
    expect(check.checks[0]).toMatchObject({ name: 'manifest', status: 'failed', findings: [{ code: 'TY290' }] })
    expect(check.checks[0]?.findings[0]?.message).toContain(shown)
    for (const name of ['secrets', 'compliance'] as const) expect(resultOf(check, name).status).toBe('skipped')
  })

  it.each([
    ['not an archive', async () => Buffer.from('this is not an archive')],
    ['a truncated gzip file', async () => gzipSync(randomBytes(5000)).subarray(0, 3000)],
    ['a decompression bomb', () => tarGz([{ name: 'zeros', body: '\0'.repeat(80 * 1024 * 1024) }])],
  ])('rejects a bundle whose layer is %s', async (what, makeLayer) => {
    const layer = await makeLayer()
    const name = `acme/layer-${what.replaceAll(' ', '-')}`
    const check = await endOfCheck(harness, token, await pushBundle(harness, { name, version: '1.0.0', token, layer }))
    expect(check.state).toBe('rejected')
    expect(check.checks[0]).toMatchObject({
      status: 'failed',
      findings: [{ code: 'TY290' }],
    })
  })

  it('records the push and its outcome in the audit log', async () => {
    await endOfCheck(harness, token, await pushBundle(harness, { name: 'acme/audited', version: '1.0.0', token }))
    const audit = await harness.registry.context.identity.listAudit({ subject: 'acme/audited:1.0.0' })
    expect(audit.map(({ actor, action }) => [actor, action])).toEqual([
      ['acceptance', 'version.publish'],
      ['ada', 'version.push'],
    ])
  })

  it('rejects a bundle whose trainer.json is not JSON', async () => {
    const items = [{ name: 'trainer.json', body: '{ not json' }]
    const pushed = await pushBundle(harness, { name: 'acme/no-json', version: '1.0.0', token, items })
    const check = await endOfCheck(harness, token, pushed)
    expect(check.state).toBe('rejected')
    expect(check.checks[0]).toMatchObject({ status: 'failed', findings: [{ code: 'TY191' }] })
  })

  it('reads the manifest of an image from its top layer, and reports what was not checked', async () => {
    const name = 'acme/image'
    const pushed = await pushImage(harness, {
      name,
      version: '2.0.0',
      token,
      layers: [
        [{ name: 'app/trainer.json', body: '{"old": true}' }],
        [{ name: 'app/trainer.json', body: JSON.stringify(trainerManifest(name, '2.0.0')) }],
      ],
      labels: { 'dev.trainyard.manifest': '/app/trainer.json' },
    })
    const check = await endOfCheck(harness, token, pushed)
    expect(check.state).toBe('published')
    expect(check.checks.map(({ status }) => status)).toEqual([
      'passed',
      'passed',
      'passed',
      'skipped',
      'passed',
      'skipped',
      'skipped',
    ])
    expect(resultOf(check, 'compliance').reason).toContain('switched off runs of images')
  })

  it.each([
    ['socket', 'unix:///nowhere.sock'],
    ['address', 'tcp://127.0.0.1:1'],
  ])('publishes an image as checked in part where no engine answers at the %s', async (what, host) => {
    const name = `acme/no-${what}`
    const layers = [[{ name: 'trainer.json', body: JSON.stringify(trainerManifest(name, '1.0.0')) }]]
    const { config } = harness
    config.imageRuns = { max: 1, env: { DOCKER_HOST: host } }
    try {
      const check = await endOfCheck(
        harness,
        token,
        await pushImage(harness, { name, version: '1.0.0', token, layers }),
      )
      expect(check.state).toBe('published')
      const version = await (await harness.request(`/v1/trainers/${name}/versions/1.0.0`)).json()
      expect(version).toMatchObject({ trust: { tier: 'checked_in_part', skipped: [{ check: 'compliance' }] } })
      expect(resultOf(check, 'compliance').reason).toBe(
        `running an image needs Docker on this machine: no Docker engine answers at ${host}`,
      )
    } finally {
      config.imageRuns = undefined
    }
  })

  it('ignores a manifest that an upper layer whites out', async () => {
    const name = 'acme/whiteout'
    const pushed = await pushImage(harness, {
      name,
      version: '1.0.0',
      token,
      layers: [
        [{ name: 'trainer.json', body: JSON.stringify(trainerManifest(name, '1.0.0')) }],
        [{ name: '.wh.trainer.json', body: '' }],
      ],
    })
    const check = await endOfCheck(harness, token, pushed)
    expect(check.state).toBe('rejected')
    expect(check.checks[0]).toMatchObject({ status: 'failed', findings: [{ code: 'TY192' }] })
  })

  it('adds an image to a version with a bundle, and refuses a second image', async () => {
    const name = 'acme/both'
    const layers = [[{ name: 'trainer.json', body: JSON.stringify(trainerManifest(name, '1.0.0')) }]]
    await endOfCheck(harness, token, await pushBundle(harness, { name, version: '1.0.0', token }))
    await endOfCheck(harness, token, await pushImage(harness, { name, version: '1.0.0', token, layers }))
    const resolved = (await (await harness.request(`/v1/trainers/${name}/resolve?range=^1`)).json()) as {
      bundle: { url: string }
      image: { reference: string; digest: string }
    }
    expect(resolved.image.reference).toBe(`127.0.0.1:7600/${name}@${resolved.image.digest}`)
    const fetched = await harness.request(new URL(resolved.bundle.url).pathname)
    expect([fetched.status, (await fetched.arrayBuffer()).byteLength > 0]).toEqual([200, true])
    const other = [[...(layers[0] ?? []), { name: 'more', body: 'x' }]]
    const refused = await pushImage(harness, { name, version: '1.0.0', token, layers: other })
    expect(refused.status).toBe(403)
  })
})

describe('a part that is published after its version was deprecated or yanked', () => {
  it.each([
    ['deprecate', { message: 'Loses a class' }, 'deprecated'],
    ['yank', { reason: 'Leaks a key' }, 'yanked'],
  ])(
    'follows the notice: %s',
    async (verb, body, state) => {
      const harness = await createHarness()
      await harness.registry.start()
      try {
        const token = await harness.token(['push:acme'])
        const name = 'acme/late'
        const path = `/v1/trainers/${name}`
        const change = (method: 'POST' | 'DELETE') =>
          harness.request(`${path}/versions/1.0.0/${verb}`, {
            method,
            token,
            headers: { 'content-type': 'application/json' },
            body: method === 'POST' ? JSON.stringify(body) : null,
          })
        await endOfCheck(harness, token, await pushBundle(harness, { name, version: '1.0.0', token }))
        expect((await change('POST')).status).toBe(204)
        const layers = [[{ name: 'trainer.json', body: JSON.stringify(trainerManifest(name, '1.0.0')) }]]
        await endOfCheck(harness, token, await pushImage(harness, { name, version: '1.0.0', token, layers }))
        const stateNow = async () => {
          const { versions } = (await (await harness.request(path, { token })).json()) as {
            versions: { state: string }[]
          }
          return versions.map((version) => version.state)
        }
        const resolved = async () => (await harness.request(`${path}/resolve?range=1.0.0`)).status
        expect([await stateNow(), await resolved()]).toEqual([[state], state === 'yanked' ? 404 : 200])
        // The withdrawal applies to both parts.
        expect((await change('DELETE')).status).toBe(204)
        expect(await stateNow()).toEqual(['published'])
        const { bundle, image } = (await (await harness.request(`${path}/resolve?range=1.0.0`)).json()) as Record<
          string,
          unknown
        >
        expect([bundle, image]).toEqual([expect.anything(), expect.anything()])
      } finally {
        await harness.close()
      }
    },
    30_000,
  )
})

describe('a check that is interrupted', () => {
  it('is started again by another process when its lease expires', async () => {
    let begun = () => {}
    const hasBegun = new Promise<void>((resolve) => {
      begun = resolve
    })
    const harness = await createHarness({
      validate: () => {
        begun()
        return new Promise(() => {})
      },
      config: { checkLeaseSeconds: 1 },
    })
    try {
      const token = await harness.token(['push:acme'])
      const { database } = harness.registry.context
      // Claims the check like a process that then dies: nothing renews the lease.
      const { claimCheck } = await import('./claim-check.ts')
      const pushed = await pushBundle(harness, { name: 'acme/again', version: '1.0.0', token })
      const claimed = await claimCheck(harness.registry.context, 'a process that died')
      expect(claimed?.tries).toBe(1)
      begun()
      await hasBegun
      expect(await claimCheck(harness.registry.context, 'another')).toBeUndefined()
      await database.db
        .updateTable('checks')
        .set({ lease_until: new Date(0) })
        .execute()
      const other = await harness.restart(passes)
      await other.start()
      expect((await endOfCheck(harness, token, pushed)).state).toBe('published')
      const row = await database.db.selectFrom('checks').select('tries').executeTakeFirstOrThrow()
      expect(row.tries).toBe(2)
    } finally {
      await harness.close()
    }
  })

  it('returns to the queue when its process stops gracefully', async () => {
    let begun = () => {}
    const hasBegun = new Promise<void>((resolve) => {
      begun = resolve
    })
    const harness = await createHarness({
      validate: ({ signal }) => {
        begun()
        return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('stopped'))))
      },
    })
    try {
      const token = await harness.token(['push:acme'])
      const { database } = harness.registry.context
      const first = await harness.restart(harness.registry.context.validate)
      await first.start()
      await pushBundle(harness, { name: 'acme/stopped', version: '1.0.0', token })
      await hasBegun
      await first.stop()
      const row = await database.db.selectFrom('checks').selectAll().executeTakeFirstOrThrow()
      expect(row).toMatchObject({ tries: 0, lease_until: null, finished_at: null })
    } finally {
      await harness.close()
    }
  })

  it('does not block a stop when its validator hangs, and is started again when its lease has expired', async () => {
    const begun = Promise.withResolvers<void>()
    const harness = await createHarness({ config: { checkLeaseSeconds: 3 } })
    try {
      const token = await harness.token(['push:acme'])
      const hangs = await harness.restart(() => {
        begun.resolve()
        return new Promise(() => {})
      }, 1000)
      await hangs.start()
      await pushBundle(harness, { name: 'acme/hung', version: '1.0.0', token })
      await begun.promise
      await hangs.stop()
      await harness.registry.start()
      const { db } = harness.registry.context.database
      const isFinished = async () =>
        (await db.selectFrom('checks').select('finished_at').executeTakeFirstOrThrow()).finished_at !== null
      await expect.poll(isFinished, { timeout: 60_000 }).toBe(true)
    } finally {
      await harness.close()
    }
  }, 90_000)

  it('is tried a few times if the validator fails, then rejected as errored, and retried by pushing the same version again', async () => {
    let broken = true
    const harness = await createHarness({
      validate: async (options) => {
        if (!broken || options.phases.includes('static')) return passes(options)
        throw new Error('the worker ended with SIGKILL before it reported')
      },
    })
    try {
      const token = await harness.token(['push:acme'])
      await harness.registry.start()
      const options = { name: 'acme/broken', version: '1.0.0', token }
      const pushed = await pushBundle(harness, options)
      const { db } = harness.registry.context.database
      for (let tries = 1; tries <= 2; tries++) {
        const row = () => db.selectFrom('checks').selectAll().executeTakeFirstOrThrow()
        await expect.poll(async () => (await row()).lease_owner === null && (await row()).tries === tries).toBe(true)
        const { results, lease_until } = await row()
        expect(resultOf({ checks: results }, 'secrets').reason).toMatch(/SIGKILL.*The registry tries again at 2/)
        expect(lease_until?.getTime()).toBeGreaterThan(Date.now())
        await endPause(harness)
      }
      const check = await endOfCheck(harness, token, pushed)
      expect(check.state).toBe('rejected')
      const names = ['manifest', 'secrets', 'compliance'] as const
      expect(names.map((name) => resultOf(check, name).status)).toEqual(['passed', 'errored', 'errored'])
      broken = false
      expect((await endOfCheck(harness, token, await pushBundle(harness, options))).state).toBe('published')
    } finally {
      await harness.close()
    }
  })

  it('stays in quarantine and is tried again if the platform fails, however often', async () => {
    const outcome = { name: 'compliance', status: 'errored', reason: 'no sandbox here', fault: 'platform' } as const
    let tries = 0
    const harness = await createHarness({
      validate: async (options) => {
        if (!options.phases.includes('compliance') || ++tries > 5) return passes(options)
        return reportOf([{ ...outcome, findings: [] }], options.onCheck)
      },
    })
    try {
      const token = await harness.token(['push:acme'])
      await harness.registry.start()
      const pushed = await pushBundle(harness, { name: 'acme/unlucky', version: '1.0.0', token })
      const { db } = harness.registry.context.database
      const { id: checkId } = await db.selectFrom('checks').select('id').executeTakeFirstOrThrow()
      const row = () => db.selectFrom('checks').selectAll().where('id', '=', checkId).executeTakeFirstOrThrow()
      for (let round = 1; round <= 5; round++) {
        await expect
          .poll(async () => tries === round && (await row()).lease_owner === null, { timeout: 60_000 })
          .toBe(true)
        const { state, tries: counted, finished_at, results, lease_until } = await row()
        expect({ state, counted, finished_at }).toEqual({ state: 'checking', counted: 0, finished_at: null })
        expect(results.at(-1)).toMatchObject({
          status: 'errored',
          reason: expect.stringMatching(/not of the trainer.*tries again/),
        })
        expect(lease_until?.getTime()).toBeGreaterThan(Date.now())
        await endPause(harness)
      }
      expect((await endOfCheck(harness, token, pushed)).state).toBe('published')
    } finally {
      await harness.close()
    }
  }, 90_000)

  it('shows findings only to the owner', async () => {
    const finding = {
      code: 'TY301',
      severity: 'error' as const,
      message: 'a key',
      fingerprint: 'f',
      help: 'remove it',
      docsUrl: 'x',
    }
    const harness = await createHarness({
      validate: async ({ onCheck }) =>
        reportOf(
          [
            { name: 'manifest', status: 'passed', findings: [] },
            { name: 'secrets', status: 'failed', findings: [finding] },
            { name: 'compliance', status: 'skipped', reason: 'security failed', findings: [] },
          ],
          onCheck,
        ),
    })
    try {
      const token = await harness.token(['push:acme'])
      const stranger = await harness.token(['push:other'], 'eve')
      await harness.registry.start()
      const pushed = await pushBundle(harness, { name: 'acme/leaky', version: '1.0.0', token })
      const check = await endOfCheck(harness, token, pushed)
      expect(resultOf(check, 'secrets').findings).toEqual([finding])
      const path = `/v1/checks/${pushed.headers.get('trainyard-check')}`
      expect((await harness.request(path, { token: stranger })).status).toBe(404)
      expect((await harness.request(`${path}/live`)).status).toBe(404)
      expect((await harness.request('/v1/trainers/acme/leaky/versions/1.0.0', { token: stranger })).status).toBe(404)
      const own = await harness.request('/v1/trainers/acme/leaky/versions/1.0.0', { token })
      expect(await own.json()).toMatchObject({
        state: 'rejected',
        checks: [{}, { findings: [{ code: 'TY301' }] }, {}, {}, {}, {}],
      })
    } finally {
      await harness.close()
    }
  })
})
