import { z } from 'zod'
import { SignedRequest } from './artifacts.ts'
import { PredictedObject } from './events.ts'
import { JobState } from './job-states.ts'
import { JobId, Timestamp } from './primitives.ts'

/** A picture that was sent to a checkpoint, and what the trainer found in it. */
export const Prediction = z
  .object({
    id: z.string().describe('The artifact that holds the picture'),
    checkpoint: z.string().describe('Id of the checkpoint artifact'),
    job: z
      .object({ id: JobId, state: JobState })
      .describe('The job that predicts. It stays ready for more pictures for some minutes'),
    state: z.enum(['waiting', 'done', 'failed']),
    picture: z.object({
      name: z.string(),
      contentType: z.string(),
      sizeBytes: z.number().int(),
      width: z.number().int().describe('In pixels, as shown (after EXIF rotation)'),
      height: z.number().int(),
      url: z.string().describe('A signed URL, valid for one hour'),
    }),
    objects: z
      .array(PredictedObject)
      .optional()
      .describe(
        'Set when done. The objects of a classifier have no box. In a list, only the 20 with the highest confidence',
      ),
    objectCount: z.number().int().optional().describe('Number of objects, set when done'),
    inferenceTimeMs: z.number().optional().describe('As the trainer measured it'),
    error: z.string().optional().describe('Set when failed'),
    createdAt: Timestamp,
    finishedAt: Timestamp.optional(),
  })
  .meta({ id: 'Prediction' })
export type Prediction = z.infer<typeof Prediction>

/** `GET /v1/jobs/{id}/artifacts/{artifactId}/predictions?cursor=&limit=`: newest first. */
export const PredictionList = z
  .object({
    predictions: z.array(Prediction),
    nextCursor: z.string().optional().describe('Absent on the last page'),
  })
  .meta({ id: 'PredictionList' })
export type PredictionList = z.infer<typeof PredictionList>

/** `GET {CALLBACK_URL}/inputs/images?after=&wait=&last=`: pictures to predict that are not in a dataset. */
export const PictureInputs = z
  .object({
    images: z.array(
      z.object({
        name: z.string().describe('The `imageName` of its `prediction` event'),
        sizeBytes: z.number().int(),
        sha256: z.string(),
        request: SignedRequest,
      }),
    ),
    cursor: z.string().describe('The next `after`'),
    done: z.boolean().describe('No more pictures will come: complete the job'),
  })
  .meta({ id: 'PictureInputs' })
export type PictureInputs = z.infer<typeof PictureInputs>
