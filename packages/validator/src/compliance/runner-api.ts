import {
  ArtifactList,
  type CreateJobInput,
  Dataset,
  Job,
  Problem,
  type StoredEvent,
  StoredEventPage,
} from '@trainyard/contract'
import type { z } from 'zod'

type Fetch = (request: Request) => Response | Promise<Response>

/** The runner said no to the validator itself. */
export class RunnerRefusal extends Error {
  override name = 'RunnerRefusal'
  readonly status: number
  constructor(what: string, status: number, detail: string) {
    super(`${what}: ${detail}`)
    this.status = status
  }
}

const PAGE = 500

/** The runner's public API, called in this process. */
export function createRunnerApi(fetch: Fetch, origin: string) {
  const call = async <T extends z.ZodType>(schema: T, method: string, path: string, body?: BodyInit, type?: string) => {
    const headers = type === undefined ? {} : { 'content-type': type }
    const response = await fetch(
      new Request(new URL(path, origin), { method, headers, ...(body !== undefined && { body }) }),
    )
    const text = await response.text()
    if (!response.ok) throw new RunnerRefusal(`${method} ${path.split('?')[0]}`, response.status, readProblem(text))
    return schema.parse(JSON.parse(text))
  }
  return {
    uploadDataset: (tar: Uint8Array, name: string) =>
      call(Dataset, 'POST', `/v1/datasets?name=${encodeURIComponent(name)}`, Buffer.from(tar), 'application/x-tar'),
    createJob: (input: CreateJobInput) => call(Job, 'POST', '/v1/jobs', JSON.stringify(input), 'application/json'),
    getJob: (id: number) => call(Job, 'GET', `/v1/jobs/${id}`),
    cancelJob: (id: number) => call(Job, 'POST', `/v1/jobs/${id}/cancel`),
    listArtifacts: async (id: number) => (await call(ArtifactList, 'GET', `/v1/jobs/${id}/artifacts`)).artifacts,
    async listEvents(id: number): Promise<StoredEvent[]> {
      const events: StoredEvent[] = []
      let cursor: string | undefined
      do {
        const query = cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`
        const page = await call(StoredEventPage, 'GET', `/v1/jobs/${id}/events?limit=${PAGE}${query}`)
        events.push(...page.events)
        cursor = page.nextCursor
      } while (cursor !== undefined)
      return events
    },
  }
}

export type RunnerApi = ReturnType<typeof createRunnerApi>

function readProblem(text: string): string {
  try {
    const problem = Problem.safeParse(JSON.parse(text))
    if (problem.success) return problem.data.detail ?? problem.data.title
  } catch {
    // Said below.
  }
  return text.slice(0, 200)
}
