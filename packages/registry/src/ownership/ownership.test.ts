import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { AddProofRequest, OwnershipProof, OwnershipProofList, Trainer, TrainerList } from '@trainyard/contract'
import { AddressList, systemClock } from '@trainyard/platform'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createHarness, endOfCheck, type Harness, pushBundle } from '../testing/harness.ts'
import { startTxtServer } from '../testing/txt-server.ts'
import { recheckProofs } from './check-proof.ts'

describe('the owner of a namespace', () => {
  let harness: Harness
  let dns: Awaited<ReturnType<typeof startTxtServer>>
  let admin: string
  let aheadMs = 0
  const files = new Map<string, string>()
  const server = createServer((request, response) => {
    const file = files.get(request.url ?? '')
    if (file === undefined) response.writeHead(request.url?.includes('moved') ? 302 : 404, { location: '/x' }).end()
    else response.end(file)
  })
  beforeAll(async () => {
    dns = await startTxtServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const file = `http://127.0.0.1:${(server.address() as AddressInfo).port}/{repository}/HEAD/{file}`
    harness = await createHarness({
      clock: { ...systemClock, now: () => new Date(Date.now() + aheadMs) },
      config: {
        dnsServers: [dns.server],
        proofHosts: [{ host: 'git.test', file, maxParts: 2 }],
        outboundAllow: new AddressList(['127.0.0.1']),
      },
    })
    await harness.registry.start()
    admin = await harness.token(['admin:*'])
  })
  afterAll(async () => {
    await harness.close()
    await dns.close()
    await new Promise((resolve) => server.close(resolve))
  })

  const send = (method: string, path: string, body?: unknown, token = admin) =>
    harness.request(`/v1/namespaces/${path}`, {
      method,
      token,
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
    })
  async function add(namespace: string, body: AddProofRequest): Promise<OwnershipProof> {
    const response = await send('POST', `${namespace}/proofs`, body)
    expect([response.status, response.ok ? '' : await response.text()]).toEqual([201, ''])
    return (await response.json()) as OwnershipProof
  }
  async function verify({ namespace, id }: OwnershipProof): Promise<OwnershipProof> {
    // Checks by hand have a pause between them.
    aheadMs += 11_000
    const response = await send('POST', `${namespace}/proofs/${id}/verify`)
    expect(response.status).toBe(200)
    return (await response.json()) as OwnershipProof
  }
  async function publish(name: string): Promise<void> {
    await endOfCheck(harness, admin, await pushBundle(harness, { name, version: '1.0.0', token: admin }))
  }
  const verifiedAs = async (name: string) =>
    ((await (await harness.request(`/v1/trainers/${name}`)).json()) as Trainer).verifiedAs

  it('is verified by a TXT record of a domain, and the mark is on its trainers', async () => {
    await publish('acme/yolo')
    const proof = await add('acme', { kind: 'dns', domain: 'Acme.Example' })
    expect(proof).toMatchObject({ subject: 'acme.example', place: '_trainyard.acme.example', isVerified: false })
    expect(await verify(proof)).toMatchObject({ isVerified: false, problem: expect.stringContaining('are: none') })
    dns.records.set('_trainyard.acme.example', ['v=spf1', 'trainyard-owner=evil:1'])
    expect((await verify(proof)).problem).toContain(`v=spf1, trainyard-owner=evil:1; expected ${proof.value}`)
    expect(await verifiedAs('acme/yolo')).toEqual([])
    dns.records.set('_trainyard.acme.example', ['v=spf1', proof.value])
    const verified = await verify(proof)
    expect([verified.isVerified, verified.problem]).toEqual([true, undefined])
    expect(await verifiedAs('acme/yolo')).toEqual(['acme.example'])
    // The record of one namespace says nothing about another.
    const other = await add('intruder', { kind: 'dns', domain: 'acme.example' })
    expect((await verify(other)).isVerified).toBe(false)
  })

  it('is verified by a file in a repository, without following redirects', async () => {
    const proof = await add('files', { kind: 'repository', repository: 'git.test/acme/detector' })
    expect(await verify(proof)).toMatchObject({ isVerified: false, problem: expect.stringContaining('answered 404') })
    files.set(`/acme/detector/HEAD/${proof.place}`, `# who owns files\n${proof.value}x\n`)
    expect((await verify(proof)).problem).toContain('does not have the line')
    files.set(`/acme/detector/HEAD/${proof.place}`, `# who owns files\r\n${proof.value}\r\n`)
    expect((await verify(proof)).isVerified).toBe(true)
    const moved = await add('files', { kind: 'repository', repository: 'git.test/acme/moved' })
    expect((await verify(moved)).problem).toContain('answered 302')
  })

  it.each([
    [{ kind: 'repository', repository: 'evil.test/acme/detector' }, 'must be a repository of git.test'],
    // The branch of a pull request of a stranger.
    [{ kind: 'repository', repository: 'git.test/acme/detector/refs/pull/1/head' }, 'must be a repository of git.test'],
    [{ kind: 'repository', repository: 'git.test/acme/../detector' }, 'must be the host and the path'],
    [{ kind: 'repository', repository: 'git.test/acme/-/raw' }, 'must be the host and the path'],
    [{ kind: 'repository', repository: 'git.test/acme/x?y' }, 'must be the host and the path'],
    [{ kind: 'dns', domain: 'localhost' }, 'must be a domain'],
    [{ kind: 'dns', domain: '127.0.0.1' }, 'must be a domain'],
    [{ kind: 'dns', domain: 'a b.example' }, 'must be a domain'],
  ])('cannot be proven by %j', async (body, words) => {
    const response = await send('POST', 'odd/proofs', body)
    expect(response.status).toBe(400)
    expect(await response.text()).toContain(words)
  })

  it('is protected from imitations when it is verified, however few pulls it has', async () => {
    await publish('vision-lab/segmenter')
    const squat = async (name: string) =>
      (
        await harness.request(`/v2/${name}/blobs/uploads/`, {
          method: 'POST',
          token: await harness.token([`push:${name.split('/')[0]}`]),
        })
      ).clone()
    expect((await squat('vision-1ab/segmenter')).status).toBe(202)
    const proof = await add('vision-lab', { kind: 'dns', domain: 'vision.example' })
    dns.records.set('_trainyard.vision.example', [proof.value])
    await verify(proof)
    const refused = await squat('vislon-lab/segmenter')
    expect(refused.status).toBe(403)
    expect(await refused.text()).toContain('whose owner is verified as vision.example')
  })

  it('is shown in lists, and its trainers come before equal ones', async () => {
    for (const name of ['other/ranked', 'shown/ranked']) await publish(name)
    const list = async () => {
      const response = await harness.request('/v1/trainers?q=ranked&sort=popular')
      return ((await response.json()) as TrainerList).trainers.map((trainer) => [trainer.name, trainer.verifiedAs])
    }
    const unverified = [
      ['other/ranked', []],
      ['shown/ranked', []],
    ]
    expect(await list()).toEqual(unverified)
    const proof = await add('shown', { kind: 'dns', domain: 'shown.example' })
    dns.records.set('_trainyard.shown.example', [proof.value])
    await verify(proof)
    const verified = [
      ['shown/ranked', ['shown.example']],
      ['other/ranked', []],
    ]
    expect(await list()).toEqual(verified)
    // The next version is made known with the mark.
    await endOfCheck(
      harness,
      admin,
      await pushBundle(harness, { name: 'shown/ranked', version: '1.1.0', token: admin }),
    )
    expect(await list()).toEqual(verified)
    expect((await send('DELETE', `shown/proofs/${proof.id}`)).status).toBe(204)
    expect(await list()).toEqual(unverified)
  })

  it('is checked again after a week, and loses the mark when the record is gone for two', async () => {
    await publish('fading/yolo')
    const proof = await add('fading', { kind: 'dns', domain: 'fading.example' })
    dns.records.set('_trainyard.fading.example', [proof.value])
    await verify(proof)
    const { context } = harness.registry
    const age = (days: number) =>
      sql`update namespace_proofs set checked_at = checked_at - make_interval(days => ${days}),
        failing_since = failing_since - make_interval(days => ${days}) where id = ${proof.id}`.execute(
        context.database.db,
      )
    dns.records.delete('_trainyard.fading.example')
    await age(6)
    await recheckProofs(context)
    await age(2)
    expect(await recheckProofs(context)).toBe(1)
    expect(await verifiedAs('fading/yolo')).toEqual(['fading.example'])
    await age(15)
    expect(await verifiedAs('fading/yolo')).toEqual([])
    dns.records.set('_trainyard.fading.example', [proof.value])
    await recheckProofs(context)
    expect(await verifiedAs('fading/yolo')).toEqual(['fading.example'])
  })

  it('has at most ten proofs, also when they are added together, and each once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 14 }, (_, index) =>
        send('POST', 'many/proofs', { kind: 'dns', domain: `d${index}.example` }),
      ),
    )
    expect(answers.map(({ status }) => status).toSorted()).toEqual([...Array(10).fill(201), ...Array(4).fill(409)])
    await add('once', { kind: 'dns', domain: 'once.example' })
    expect((await send('POST', 'once/proofs', { kind: 'dns', domain: 'once.example' })).status).toBe(409)
    const { proofs } = (await (await send('GET', 'many/proofs')).json()) as OwnershipProofList
    const [first] = proofs
    expect((await send('DELETE', `once/proofs/${first?.id}`)).status).toBe(404)
    expect((await send('DELETE', `many/proofs/${first?.id}`)).status).toBe(204)
  })

  it('is not asked to check twice within ten seconds', async () => {
    const proof = await add('hasty', { kind: 'dns', domain: 'hasty.example' })
    await verify(proof)
    expect((await send('POST', `hasty/proofs/${proof.id}/verify`)).status).toBe(409)
  })
})
