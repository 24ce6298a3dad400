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
import { RunnerResponseError } from '../errors.ts'

type Fetch = (request: Request) => Response | Promise<Response>

const PAGE = 500

/** Calls the runner's public API within this process. */
export function createRunnerApi({ fetch, origin, token }: { fetch: Fetch; origin: string; token: string }) {
  const call = async <T extends z.ZodType>(schema: T, method: string, path: string, body?: BodyInit, type?: string) => {
    const headers = new Headers({ authorization: `Bearer ${token}` })
    if (type !== undefined) headers.set('content-type', type)
    const response = await fetch(new Request(new URL(path, origin), { method, headers, body: body ?? null }))
    const text = await response.text()
    if (!response.ok)
      throw new RunnerResponseError(`${method} ${path.split('?')[0]}`, response.status, readProblem(text))
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
    // Not a problem document.
  }
  return text.slice(0, 200)
}
