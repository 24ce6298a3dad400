import { z } from 'zod'
import { Attempt, RelativePath, Sha256Hex, SizeBytes, Timestamp } from './primitives.ts'

/** The purpose of a file. */
export const ArtifactKind = z.enum(['checkpoint', 'export', 'prediction', 'plot', 'log', 'other'])
export type ArtifactKind = z.infer<typeof ArtifactKind>

/** `POST {CALLBACK_URL}/artifacts`: announces an upload. */
export const CreateArtifactRequest = z
  .object({
    kind: ArtifactKind,
    name: RelativePath.describe('For example "best.bin"'),
    sizeBytes: SizeBytes,
    sha256: Sha256Hex,
    contentType: z.string().min(1).max(200).default('application/octet-stream'),
    metadata: z.record(z.string(), z.unknown()).optional(),
  })
  .meta({ id: 'CreateArtifactRequest' })
export type CreateArtifactRequest = z.infer<typeof CreateArtifactRequest>

/** A signed request, which needs no other credentials. Use the method and send the headers unchanged. */
export const SignedRequest = z.object({
  method: z.enum(['GET', 'PUT']),
  url: z.url(),
  headers: z.record(z.string(), z.string()).default({}),
  expiresAt: Timestamp,
})
export type SignedRequest = z.infer<typeof SignedRequest>

/** One part of a large upload: `sizeBytes` bytes from `offset`. */
export const SignedPart = SignedRequest.extend({
  partNumber: z.number().int().positive(),
  offset: SizeBytes,
  sizeBytes: SizeBytes,
})
export type SignedPart = z.infer<typeof SignedPart>

/** A part that storage already has. */
export const HeldPart = z.object({ partNumber: z.number().int().positive(), sizeBytes: SizeBytes, etag: z.string() })
export type HeldPart = z.infer<typeof HeldPart>

/** The response: one signed PUT, or signed parts for a large file, or neither when the platform already has the bytes. */
export const CreateArtifactResponse = z
  .object({
    id: z.string(),
    upload: z.discriminatedUnion('type', [
      z.object({ type: z.literal('single'), request: SignedRequest }),
      z.object({
        type: z.literal('parts'),
        parts: z.array(SignedPart),
        held: z.array(HeldPart).default([]).describe('Parts that were uploaded earlier and are not needed again'),
      }),
      z.object({ type: z.literal('none') }),
    ]),
  })
  .meta({ id: 'CreateArtifactResponse' })
export type CreateArtifactResponse = z.infer<typeof CreateArtifactResponse>

/** `POST {CALLBACK_URL}/artifacts/{id}/complete`: with the ETags of the parts, if there were parts. */
export const CompleteArtifactRequest = z
  .object({ parts: z.array(z.object({ partNumber: z.number().int().positive(), etag: z.string() })).optional() })
  .meta({ id: 'CompleteArtifactRequest' })
export type CompleteArtifactRequest = z.infer<typeof CompleteArtifactRequest>

/** A file of a job. It exists once its size and digest have been verified. */
export const Artifact = z
  .object({
    id: z.string(),
    kind: ArtifactKind,
    name: z.string(),
    sizeBytes: SizeBytes,
    sha256: Sha256Hex,
    contentType: z.string(),
    attempt: z.number().int(),
    epoch: z.number().int().optional(),
    metadata: z.record(z.string(), z.unknown()).optional(),
    createdAt: Timestamp,
  })
  .meta({ id: 'Artifact' })
export type Artifact = z.infer<typeof Artifact>

/** `GET {CALLBACK_URL}/inputs/checkpoint` */
export const CheckpointInput = z
  .object({
    artifactId: z.string(),
    name: z.string(),
    sizeBytes: SizeBytes,
    sha256: Sha256Hex,
    request: SignedRequest,
    resume: z
      .object({ attempt: Attempt, epoch: z.number().int().nonnegative().optional() })
      .optional()
      .describe(
        'Set when an earlier attempt of this job saved the checkpoint: continue after it. Absent for a checkpoint to start from',
      ),
  })
  .meta({ id: 'CheckpointInput' })
export type CheckpointInput = z.infer<typeof CheckpointInput>
