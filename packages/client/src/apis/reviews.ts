import {
  ModerateReviewRequest,
  ReplyToReviewRequest,
  ReportedReviewList,
  ReportReviewRequest,
  Review,
  ReviewList,
  WriteReviewRequest,
} from '@trainyard/contract'
import type { Connect } from '../http/connection.ts'
import { fetchJson, send } from '../http/request.ts'

/** Reviews of trainers by those who ran them. `trainer` is "namespace/name". */
export interface ReviewsClient {
  /** One page, changed last first. */
  list(trainer: string, options?: { cursor?: string | undefined; limit?: number | undefined }): Promise<ReviewList>
  /** Writes the caller's review, or replaces it. */
  write(trainer: string, request: WriteReviewRequest): Promise<Review>
  /** Deletes the caller's review. */
  remove(trainer: string): Promise<void>
  /** Sets the owners' reply. Without a text, removes it. */
  reply(trainer: string, id: string, request?: ReplyToReviewRequest): Promise<Review>
  report(id: string, request: ReportReviewRequest): Promise<void>
  /** Reviews with open reports, for operators. */
  reported(): Promise<Review[]>
  /** Hides a review or shows it again, for operators. */
  moderate(id: string, request: ModerateReviewRequest): Promise<Review>
}

export function createReviewsClient(connect: Connect): ReviewsClient {
  const pathOf = (trainer: string) => `/v1/trainers/${trainer.split('/').map(encodeURIComponent).join('/')}/reviews`
  const onePath = (id: string) => `/v1/reviews/${encodeURIComponent(id)}`
  return {
    list: (trainer, query) => fetchJson(connect, ReviewList, { path: pathOf(trainer), query }),
    async write(trainer, request) {
      const json = WriteReviewRequest.parse(request)
      return fetchJson(connect, Review, { method: 'PUT', path: `${pathOf(trainer)}/own`, json })
    },
    async remove(trainer) {
      await send(connect(), { method: 'DELETE', path: `${pathOf(trainer)}/own` })
    },
    async reply(trainer, id, request) {
      const path = `${pathOf(trainer)}/${encodeURIComponent(id)}/reply`
      if (request === undefined) return fetchJson(connect, Review, { method: 'DELETE', path })
      return fetchJson(connect, Review, { method: 'PUT', path, json: ReplyToReviewRequest.parse(request) })
    },
    async report(id, request) {
      await send(connect(), { method: 'POST', path: `${onePath(id)}/report`, json: ReportReviewRequest.parse(request) })
    },
    reported: async () => (await fetchJson(connect, ReportedReviewList, { path: '/v1/reviews/reported' })).reviews,
    async moderate(id, request) {
      const json = ModerateReviewRequest.parse(request)
      return fetchJson(connect, Review, { method: 'POST', path: `${onePath(id)}/moderate`, json })
    },
  }
}
