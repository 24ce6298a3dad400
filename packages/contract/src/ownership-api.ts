import { z } from 'zod'
import { Timestamp } from './primitives.ts'

const Domain = z
  .string()
  .trim()
  .toLowerCase()
  .max(253)
  .regex(
    /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
    'must be a domain, such as "acme.example"',
  )

/** No part is a word of an address of its own, such as "-" in those of GitLab. */
const Repository = z
  .string()
  .trim()
  .max(255)
  .regex(
    /^[a-z0-9.-]+(?:\/[A-Za-z0-9_][A-Za-z0-9_.-]*){2,20}$/,
    'must be the host and the path of a repository, such as "github.com/acme/detector"',
  )

/** `POST /v1/namespaces/{namespace}/proofs` */
export const AddProofRequest = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('dns'), domain: Domain }),
    z.strictObject({ kind: z.literal('repository'), repository: Repository }),
  ])
  .meta({ id: 'AddProofRequest' })
export type AddProofRequest = z.infer<typeof AddProofRequest>

/** What a namespace says that it belongs to, and whether that was found to be true. */
export const OwnershipProof = z
  .object({
    id: z.string(),
    namespace: z.string(),
    kind: z.enum(['dns', 'repository']),
    subject: z.string().describe('The domain, or the host and path of the repository'),
    place: z.string().describe('The name of the TXT record, or the name of the file at the top of the default branch'),
    value: z.string().describe('The text of the record, or a line of the file'),
    isVerified: z.boolean(),
    verifiedAt: Timestamp.optional(),
    checkedAt: Timestamp.optional(),
    problem: z.string().optional().describe('Why the last check did not find it'),
    createdAt: Timestamp,
  })
  .meta({ id: 'OwnershipProof' })
export type OwnershipProof = z.infer<typeof OwnershipProof>

/** `GET /v1/namespaces/{namespace}/proofs` */
export const OwnershipProofList = z.object({ proofs: z.array(OwnershipProof) }).meta({ id: 'OwnershipProofList' })
export type OwnershipProofList = z.infer<typeof OwnershipProofList>
