import { z } from 'zod'
import { Timestamp } from './primitives.ts'
import { describeOddCharacter, findOddCharacter } from './readable-text.ts'

const someLines = (maxLength: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(maxLength)
    .refine((text) => findOddCharacter(text, { lines: true }) === undefined, {
      error: ({ input }) => describeOddCharacter(String(input), { lines: true }),
    })
const ReviewText = someLines(4000)
const ReviewNote = someLines(500)
const Stars = z.number().int().min(1).max(5)

/** `PUT /v1/trainers/{namespace}/{name}/reviews/own` */
export const WriteReviewRequest = z
  .strictObject({
    version: z.string().min(1).max(128).describe('A version that you ran'),
    rating: Stars.describe('1 is the worst, 5 the best'),
    text: ReviewText.describe('Plain text'),
  })
  .meta({ id: 'WriteReviewRequest' })
export type WriteReviewRequest = z.infer<typeof WriteReviewRequest>

/** `PUT /v1/trainers/{namespace}/{name}/reviews/{review}/reply` */
export const ReplyToReviewRequest = z
  .strictObject({ text: ReviewText.describe('Plain text') })
  .meta({ id: 'ReplyToReviewRequest' })
export type ReplyToReviewRequest = z.infer<typeof ReplyToReviewRequest>

/** `POST /v1/reviews/{review}/report` */
export const ReportReviewRequest = z
  .strictObject({ reason: ReviewNote.describe('What is wrong with it, for a moderator') })
  .meta({ id: 'ReportReviewRequest' })
export type ReportReviewRequest = z.infer<typeof ReportReviewRequest>

/** `POST /v1/reviews/{review}/moderate`: either decision ends its reports. */
export const ModerateReviewRequest = z
  .strictObject({
    decision: z.enum(['hide', 'show']),
    note: ReviewNote.optional().describe('Why, for its author. Required to hide it'),
  })
  .refine(({ decision, note }) => decision === 'show' || note !== undefined, {
    path: ['note'],
    error: 'is required to hide a review: its author reads it',
  })
  .meta({ id: 'ModerateReviewRequest' })
export type ModerateReviewRequest = z.infer<typeof ModerateReviewRequest>

/** What a person who ran a trainer thinks of it. */
export const Review = z
  .object({
    id: z.string(),
    trainer: z.string(),
    version: z.string().describe('The version that its author ran'),
    rating: Stars,
    text: z.string().describe('Plain text; untrusted input'),
    author: z.string().describe('Name of the person'),
    runs: z.number().int().positive().describe('How often its author ran this version, as runners have stated it'),
    createdAt: Timestamp,
    updatedAt: Timestamp.optional().describe('When it was last changed'),
    reply: z.object({ text: z.string(), at: Timestamp }).optional().describe('Of the owners of the trainer'),
    isOwn: z.boolean().describe('Whether the caller wrote it'),
    hiddenReason: z.string().optional().describe('Why a moderator hid it. Only its author and moderators see it then'),
    reports: z.array(z.string()).optional().describe('Reasons of open reports, for moderators'),
  })
  .meta({ id: 'Review' })
export type Review = z.infer<typeof Review>

/** The ratings of a trainer. */
export const Rating = z
  .object({
    count: z.number().int().positive(),
    mean: z.number().describe('Of the ratings'),
    score: z
      .number()
      .describe(
        'The Bayesian mean: five ratings of the average of all trainers count beside its own, so that few say little',
      ),
  })
  .meta({ id: 'Rating' })
export type Rating = z.infer<typeof Rating>

/** `GET /v1/trainers/{namespace}/{name}/reviews`: those that were written or changed last come first. */
export const ReviewList = z
  .object({
    reviews: z.array(Review),
    nextCursor: z.string().optional(),
    rating: Rating.optional().describe('Absent without reviews'),
    counts: z.array(z.number().int().nonnegative()).length(5).describe('Reviews with one to five stars'),
    own: Review.optional().describe("The caller's"),
    reviewable: z.array(z.string()).describe('The versions that the caller ran and can review, newest run first'),
    problem: z.string().optional().describe('Why the caller cannot review it'),
    mayReply: z.boolean().describe('Whether the caller is an owner of the trainer'),
  })
  .meta({ id: 'ReviewList' })
export type ReviewList = z.infer<typeof ReviewList>

/** `GET /v1/reviews/reported`: oldest report first, at most 200. */
export const ReportedReviewList = z.object({ reviews: z.array(Review) }).meta({ id: 'ReportedReviewList' })
export type ReportedReviewList = z.infer<typeof ReportedReviewList>
