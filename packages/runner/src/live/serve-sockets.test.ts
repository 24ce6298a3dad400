import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { LiveMessage } from '@trainyard/contract'
import { LOCAL_ACCOUNT_ID } from '@trainyard/platform'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { type Harness, noLauncher, openJournal, startHarness } from '../testing/harness.ts'

interface Client {
  socket: WebSocket
  messages: (LiveMessage & { id?: string | undefined })[]
  closed: Promise<{ code: number; reason: string }>
}

describe('the live stream as a WebSocket', () => {
  let harness: Harness
  beforeAll(async () => {
    harness = await startHarness({ runner: { launcher: noLauncher } })
    await harness.runner.context.hub.start()
  })
  afterAll(() => harness.close())

  function watch(jobId: number, query = '', headers: Record<string, string> = {}): Client {
    const socket = new WebSocket(`${harness.url.replace('http', 'ws')}/v1/jobs/${jobId}/live${query}`, { headers })
    const messages: Client['messages'] = []
    socket.on('message', (data) => {
      const raw = JSON.parse(String(data)) as { id?: string }
      messages.push({ ...LiveMessage.parse(raw), id: raw.id })
    })
    const closed = new Promise<{ code: number; reason: string }>((resolve) => {
      socket.on('close', (code, reason) => resolve({ code, reason: String(reason) }))
    })
    return { socket, messages, closed }
  }
  const refusal = (client: Client) =>
    new Promise<number>((resolve, reject) => {
      client.socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0))
      client.socket.on('open', () => reject(new Error('the connection was accepted')))
    })
  const progress = (epoch: number) => ({ type: 'progress', epoch, totalEpochs: 9, metrics: { loss: epoch } })
  const stepsOf = ({ messages }: Client) =>
    messages.flatMap((message) => (message.type === 'metrics' ? message.points.map(({ step }) => step) : []))

  it('sends the messages of the server-sent events, and closes when the job has ended', async () => {
    const journal = await openJournal(harness)
    await journal.send(1, [progress(1)])
    const client = watch(journal.jobId)
    await expect.poll(() => client.messages.length, { timeout: 20_000 }).toBe(1)
    expect(client.messages[0]).toMatchObject({ type: 'snapshot', series: [{ name: 'loss' }], id: '1.1.0' })
    await journal.send(2, [progress(2), { type: 'log', level: 'info', message: 'after' }])
    await expect.poll(() => stepsOf(client), { timeout: 20_000 }).toEqual([2])
    await journal.send(4, [{ type: 'completed', result: { operation: 'train' } }])
    expect(await client.closed).toEqual({ code: 1000, reason: 'the job has ended' })
    expect(client.messages.at(-1)).toMatchObject({ type: 'job', job: { state: 'succeeded' } })
    expect(client.messages.filter(({ type }) => type === 'logs')).toHaveLength(1)
  })

  it('resumes after the last id, without a snapshot and without duplicates', async () => {
    const journal = await openJournal(harness)
    await journal.send(1, [progress(1)])
    const first = watch(journal.jobId)
    await expect.poll(() => first.messages.length, { timeout: 20_000 }).toBe(1)
    first.socket.close()
    await first.closed
    await journal.send(2, [progress(2), progress(3)])
    const second = watch(journal.jobId, `?lastEventId=${first.messages[0]?.id}`)
    await expect.poll(() => stepsOf(second), { timeout: 20_000 }).toEqual([2, 3])
    expect(second.messages.map(({ type }) => type)).not.toContain('snapshot')
    second.socket.terminate()
  })

  it('sends the same changes to all viewers, whenever they connect', async () => {
    const journal = await openJournal(harness)
    const clients: Client[] = []
    for (let epoch = 1; epoch <= 20; epoch++) {
      clients.push(watch(journal.jobId))
      await journal.send(epoch, [progress(epoch)])
    }
    await journal.send(21, [{ type: 'completed', result: { operation: 'train' } }])
    for (const client of clients) {
      await client.closed
      const [snapshot] = client.messages
      const known = snapshot?.type === 'snapshot' ? (snapshot.series[0]?.points ?? []).map(({ step }) => step) : []
      expect([...known, ...stepsOf(client)]).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
    }
  })

  it('sends a new snapshot to a reader that stopped reading for a while', async () => {
    const journal = await openJournal(harness)
    const client = watch(journal.jobId)
    await expect.poll(() => client.messages.length, { timeout: 20_000 }).toBe(1)
    client.socket.pause()
    const lines = Array.from({ length: 60 }, () => ({ type: 'log', level: 'info', message: 'x'.repeat(16_000) }))
    let seq = 1
    for (let round = 0; round < 12; round++) {
      await journal.send(seq, lines)
      seq += lines.length
      await sleep(30)
    }
    const before = client.messages.length
    client.socket.resume()
    await expect
      .poll(() => client.messages.slice(before).filter(({ type }) => type === 'snapshot').length, { timeout: 30_000 })
      .toBeGreaterThan(0)
    await journal.send(seq, [progress(5)])
    await expect.poll(() => stepsOf(client).at(-1), { timeout: 20_000 }).toBe(5)
    client.socket.terminate()
  })

  it('rejects callers who cannot see the job, with the status of a plain request', async () => {
    const { jobId, authorization } = await openJournal(harness)
    expect(await refusal(watch(jobId + 1000))).toBe(404)
    expect(await refusal(watch(jobId, '', { origin: 'https://elsewhere.example' }))).toBe(403)
    expect(await refusal(watch(jobId, '', { authorization: 'Bearer ty_nonsense' }))).toBe(401)
    expect(await refusal(watch(jobId, '', { authorization }))).toBe(401)
  })

  it('ends, like the server-sent events, when a token that its token descends from is revoked, and at its expiry', async () => {
    const { identity } = harness.runner.context
    const { jobId } = await openJournal(harness)
    const owner = { owner: LOCAL_ACCOUNT_ID, accountId: LOCAL_ACCOUNT_ID, scopes: ['jobs:read'] }
    const parent = await identity.createToken({ ...owner, name: 'parent' })
    const child = await identity.createToken({ ...owner, name: 'child', parentId: parent.id })
    const short = await identity.createToken({ ...owner, name: 'short', expiresAt: new Date(Date.now() + 4000) })
    const other = await identity.createToken({ ...owner, name: 'other' })
    const bearer = ({ secret }: { secret: string }) => ({ authorization: `Bearer ${secret}` })
    const [socket, expiring, open] = [child, short, other].map((token) => watch(jobId, '', bearer(token)))
    const events = await harness.request(`/v1/jobs/${jobId}/live`, { headers: bearer(child) })
    const text = events.text()
    for (const client of [socket, expiring, open])
      await expect.poll(() => client?.messages.length, { timeout: 20_000 }).toBe(1)
    expect(await expiring?.closed).toEqual({ code: 1008, reason: 'access has ended' })
    await identity.revokeToken(parent.id, LOCAL_ACCOUNT_ID)
    expect(await socket?.closed).toEqual({ code: 1008, reason: 'access has ended' })
    expect(await text).toContain(': closed: denied')
    expect(open?.socket.readyState).toBe(WebSocket.OPEN)
    open?.socket.terminate()
  })

  it('serves requests for other upgrades as plain requests', async () => {
    const { port } = new URL(harness.url)
    const socket = connect(Number(port), '127.0.0.1')
    socket.write(
      'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n',
    )
    const [data] = await new Promise<[Buffer]>((resolve) => socket.once('data', (chunk: Buffer) => resolve([chunk])))
    expect(String(data)).toMatch(/^HTTP\/1\.1 200/)
    socket.destroy()
  })
})
