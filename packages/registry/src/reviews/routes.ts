import { createRoute, type OpenAPIHono } from '@hono/zod-openapi'
import {
  ModerateReviewRequest,
  ReplyToReviewRequest,
  ReportedReviewList,
  ReportReviewRequest,
  Review,
  ReviewList,
  WriteReviewRequest,
} from '@trainyard/contract'
import { z } from 'zod'
import { requireCaller } from '../auth/authenticate.ts'
import type { RegistryContext } from '../context.ts'
import { ownerRequestOf } from '../lifecycle/owner.ts'
import { body, json, problem } from '../route-parts.ts'
import { deleteReview, replyToReview, writeReview } from './change-review.ts'
import { listReviews } from './list-reviews.ts'
import { listReported, moderateReview, reportReview, reviewRequestOf } from './moderate-reviews.ts'

const refusals = { 401: problem, 403: problem, 404: problem }
const TrainerParams = z.object({ namespace: z.string().max(64), name: z.string().max(64) })
const id = z.string().max(64)
const ReplyParams = TrainerParams.extend({ review: id })
const ReviewParams = z.object({ review: id })
const reviews = '/v1/trainers/{namespace}/{name}/reviews'
const tags = ['reviews']

const list = createRoute({
  tags,
  method: 'get',
  path: reviews,
  summary: 'List the reviews of a trainer',
  description: 'Every author has run the version that the review names, as a runner has stated with its signature.',
  request: {
    params: TrainerParams,
    query: z.object({
      cursor: z.string().max(1000).optional(),
      limit: z.coerce.number().int().min(1).max(100).optional(),
    }),
  },
  responses: { 200: json(ReviewList, 'The reviews'), 400: problem, 404: problem },
})
const write = createRoute({
  tags,
  method: 'put',
  path: `${reviews}/own`,
  summary: 'Write your review of a trainer, or replace it',
  description: 'For people who are signed in and ran the version, and are no members of its organisation.',
  request: { params: TrainerParams, ...body(WriteReviewRequest) },
  responses: { 200: json(Review, 'The review'), 400: problem, ...refusals },
})
const remove = createRoute({
  tags,
  method: 'delete',
  path: `${reviews}/own`,
  summary: 'Delete your review of a trainer',
  request: { params: TrainerParams },
  responses: { 204: { description: 'Deleted' }, ...refusals },
})
const reply = createRoute({
  tags,
  method: 'put',
  path: `${reviews}/{review}/reply`,
  summary: 'Reply to a review, as an owner of the trainer',
  request: { params: ReplyParams, ...body(ReplyToReviewRequest) },
  responses: { 200: json(Review, 'The review'), 400: problem, ...refusals },
})
const unreply = createRoute({
  tags,
  method: 'delete',
  path: `${reviews}/{review}/reply`,
  summary: 'Remove the reply to a review',
  request: { params: ReplyParams },
  responses: { 200: json(Review, 'The review'), ...refusals },
})
const report = createRoute({
  tags,
  method: 'post',
  path: '/v1/reviews/{review}/report',
  summary: 'Tell moderators what is wrong with a review',
  request: { params: ReviewParams, ...body(ReportReviewRequest) },
  responses: { 204: { description: 'Reported' }, 400: problem, 409: problem, ...refusals },
})
const reported = createRoute({
  tags,
  method: 'get',
  path: '/v1/reviews/reported',
  summary: 'List the reviews with open reports',
  description: 'For operators.',
  responses: { 200: json(ReportedReviewList, 'The reviews'), 401: problem, 403: problem },
})
const moderate = createRoute({
  tags,
  method: 'post',
  path: '/v1/reviews/{review}/moderate',
  summary: 'Hide a review, or show it again',
  description: 'For operators. Its open reports are decided with it.',
  request: { params: ReviewParams, ...body(ModerateReviewRequest) },
  responses: { 200: json(Review, 'The review'), 400: problem, ...refusals },
})

/** Reviews of trainers by those who ran them. */
export function mountReviewRoutes(api: OpenAPIHono, context: RegistryContext): void {
  api.openapi(list, async (c) => {
    const { namespace, name } = c.req.valid('param')
    const caller = await requireCaller(context, c.req.raw)
    return c.json(await listReviews(context, caller, { name: `${namespace}/${name}`, ...c.req.valid('query') }), 200)
  })
  api.openapi(write, async (c) => {
    const request = await ownerRequestOf(context, c.req.raw, c.req.valid('param'))
    return c.json(await writeReview(request, c.req.valid('json')), 200)
  })
  api.openapi(remove, async (c) => {
    await deleteReview(await ownerRequestOf(context, c.req.raw, c.req.valid('param')))
    return c.body(null, 204)
  })
  api.openapi(reply, async (c) => {
    const params = c.req.valid('param')
    const request = await ownerRequestOf(context, c.req.raw, params)
    return c.json(await replyToReview(request, params.review, c.req.valid('json')), 200)
  })
  api.openapi(unreply, async (c) => {
    const params = c.req.valid('param')
    const request = await ownerRequestOf(context, c.req.raw, params)
    return c.json(await replyToReview(request, params.review, undefined), 200)
  })
  api.openapi(report, async (c) => {
    const request = await reviewRequestOf(context, c.req.raw)
    await reportReview(request, c.req.valid('param').review, c.req.valid('json'))
    return c.body(null, 204)
  })
  api.openapi(reported, async (c) =>
    c.json({ reviews: await listReported(await reviewRequestOf(context, c.req.raw)) }, 200),
  )
  api.openapi(moderate, async (c) => {
    const request = await reviewRequestOf(context, c.req.raw)
    return c.json(await moderateReview(request, c.req.valid('param').review, c.req.valid('json')), 200)
  })
}
