import { EventsResponse, StoredEventPage, TrainerEvent, type TrainerEventType } from '@trainyard/contract'
import { ODD_RUNS, type OddRequest, oddJson, oddRequests, openApiRoutes, valuesOf } from '@trainyard/platform/testing'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { runnerOpenApi } from '../app.ts'
import { type Harness, journalOf, noLauncher, openJournal, startHarness } from '../testing/harness.ts'

const DOCUMENT = runnerOpenApi()
const ROUTES = openApiRoutes(DOCUMENT)
const log = { type: 'log', level: 'info', message: 'a good event' }
/** The body of every answer is read: it may fail, too. A stream is left after its head. */
async function answerOf(response: Response): Promise<string> {
  if (!response.headers.get('content-type')?.startsWith('text/event-stream')) return await response.text()
  await response.body?.cancel()
  return ''
}

async function firstMessage(response: Response): Promise<string> {
  let text = ''
  for await (const chunk of response.body ?? []) {
    text += new TextDecoder().decode(chunk)
    if (text.includes('data:')) break
  }
  return text
}

describe(`the runner, asked oddly (seed ${ODD_RUNS.seed}, ${ODD_RUNS.numRuns} times a route; ODD_SEED and ODD_RUNS)`, () => {
  let harness: Harness
  let journal: Awaited<ReturnType<typeof openJournal>>
  let snapshotId: string
  beforeAll(async () => {
    harness = await startHarness({ runner: { launcher: noLauncher } })
  })
  afterAll(() => harness.close())
  beforeEach(async () => {
    journal = await openJournal(harness)
    snapshotId = (await harness.getJob(journal.jobId)).dataset?.snapshotId ?? ''
  })

  const valuesFor = (path: string): Record<string, string> => ({
    id: path.startsWith('/v1/datasets')
      ? 'ds_test'
      : path.startsWith('/v1/snapshots')
        ? snapshotId
        : String(journal.jobId),
    organisation: 'nobody',
    artifactId: 'art_nothing',
    account: 'acc_nothing',
    invitation: 'inv_nothing',
  })

  async function send({ method, path, headers, body }: OddRequest, isOfTrainer: boolean): Promise<void> {
    const authorization = isOfTrainer ? { authorization: journal.authorization } : {}
    const response = await harness.request(path, { method, headers: { ...headers, ...authorization }, body })
    const text = await answerOf(response)
    expect(
      response.status,
      `${method} ${path.slice(0, 300)} ${body?.slice(0, 300)}: ${text.slice(0, 500)}`,
    ).toBeLessThan(500)
  }

  it.each(ROUTES)('$name never answers with a 5xx', async ({ method, path, security }) => {
    const isOfTrainer = security.includes('jobToken')
    const requests = oddRequests(DOCUMENT, { method, path }, valuesFor(path))
    await fc.assert(
      fc.asyncProperty(requests, (request) => send(request, isOfTrainer)),
      ODD_RUNS,
    )
    // What was refused harms nothing: another job's event is stored, and every list can still be read.
    const other = await openJournal(harness)
    expect(EventsResponse.parse(await (await other.send(1, [log])).json())).toMatchObject({ acknowledged: 1 })
    for (const list of [
      '',
      `/${journal.jobId}`,
      ...['events', 'metrics', 'logs', 'artifacts'].map((name) => `/${journal.jobId}/${name}`),
    ]) {
      const response = await harness.request(`/v1/jobs${list}`)
      expect([list, response.status < 500]).toEqual([list, true])
      await response.text()
    }
  })

  const SCHEMAS = TrainerEvent.options.map((option) => ({
    type: option.shape.type.value as TrainerEventType,
    schema: z.toJSONSchema(option, { io: 'input', unrepresentable: 'any' }) as Record<string, unknown>,
  }))
  /** More than for a route: events are what strangers' programs send. */
  const EVENT_RUNS = { ...ODD_RUNS, numRuns: 4 * ODD_RUNS.numRuns }

  it.each(SCHEMAS)('stores the next good event after odd ones: $type', async ({ type, schema }) => {
    const isEnd = ['completed', 'failed', 'cancelled'].includes(type)
    const { properties, ...rest } = schema as { properties: Record<string, unknown> }
    const { seq: _, ...fields } = properties
    const ofEvent = { ...rest, properties: fields, required: ['type', 'time'] }
    const odd = valuesOf(ofEvent, { document: schema, odd: oddJson })
    let seq = 0
    await fc.assert(
      fc.asyncProperty(fc.array(odd, { minLength: 1, maxLength: 3 }), async (bodies) => {
        // After its end an attempt takes no more events.
        if (isEnd) {
          journal = await openJournal(harness)
          seq = 0
        }
        // An event must be an object; the last of two equal keys counts.
        const events = bodies.map(
          (body) =>
            `${body.startsWith('{') ? body.slice(0, -1) : `{"value":${body}`}${/^\{\s*\}$/.test(body) ? '' : ','}"seq":${++seq}}`,
        )
        const good = JSON.stringify({ seq: ++seq, time: '2026-11-20T09:30:00.123Z', ...log })
        const response = await harness.request(`/v1/jobs/${journal.jobId}/events`, {
          method: 'POST',
          headers: { authorization: journal.authorization, 'content-type': 'application/json' },
          body: `{"attempt":1,"events":[${[...events, good].join()}]}`,
        })
        const text = await response.text()
        expect([response.status, text.slice(0, 300)]).toEqual([200, expect.anything()])
        const answer = EventsResponse.parse(JSON.parse(text))
        expect(answer.acknowledged).toBe(seq)
        const path = `/v1/jobs/${journal.jobId}/events?attempt=1&limit=10&cursor=${seq - events.length - 1}`
        const stored = StoredEventPage.parse(await (await harness.request(path)).json()).events
        expect(stored.map((event) => event.seq)).toEqual(
          Array.from({ length: events.length + 1 }, (_, at) => seq - events.length + at),
        )
        // Every event is stored as it is, or as rejected with the reason that the sender got.
        const rejected = stored.filter((event) => event.rejected !== undefined).map((event) => event.seq)
        const partly = answer.rejected.filter(({ path }) => path.startsWith('metrics.')).map((one) => one.seq)
        expect(answer.rejected.map((one) => one.seq)).toEqual(expect.arrayContaining(rejected))
        for (const one of answer.rejected) expect([...rejected, ...partly]).toContain(one.seq)
        if (!isEnd) expect(stored.at(-1)).toMatchObject({ type: 'log', body: log })
      }),
      isEnd ? ODD_RUNS : EVENT_RUNS,
    )
    // What was stored can be read.
    for (const list of ['', '/metrics', '/logs', '/artifacts', '/events?limit=1000']) {
      const response = await harness.request(`/v1/jobs/${journal.jobId}${list}`)
      expect([list, response.status]).toEqual([list, 200])
      await response.text()
    }
    expect(await firstMessage(await harness.request(`/v1/jobs/${journal.jobId}/live`))).toContain('"type":"snapshot"')
    const again = await journalOf(harness, journal.jobId, 1)
    expect((await again.send(seq + 1, [])).status).toBeLessThan(500)
  })
})
