import { createHash } from 'node:crypto'
import { type Bundle, bundleFromJSON } from '@sigstore/bundle'
import { z } from 'zod'
import type { Descriptor } from '../oci/parse-manifest.ts'

const SIMPLE_SIGNING = 'application/vnd.dev.cosign.simplesigning.v1+json'
const BUNDLE = /^application\/vnd\.dev\.sigstore\.bundle(\.v\d[\d.]*)?\+json/
const IN_TOTO = 'application/vnd.in-toto+json'

/** What is signed, and what it says about a manifest. */
export interface Candidate {
  bundle: Bundle
  /** The bytes that a signature is over; undefined for an envelope, which contains them. */
  artifact: Buffer | undefined
  /** The type of an attestation: provenance, a list of packages. */
  predicateType: string | undefined
}

/** Thrown when a signature cannot be read, or is about something else. */
export class UnfitSignature extends Error {
  override readonly name = 'UnfitSignature'
}

/** Whether a layer of an attachment can hold a signature. */
export const isSignatureLayer = ({ mediaType }: Descriptor): boolean =>
  mediaType === SIMPLE_SIGNING || BUNDLE.test(mediaType)

/**
 * Reads a signature of a manifest: a layer of a Sigstore bundle, or one of cosign's `.sig` tags.
 *
 * @throws UnfitSignature
 */
export function readCandidate(
  layer: Descriptor,
  content: Buffer,
  subject: { digest: string; content: Buffer },
): Candidate {
  return layer.mediaType === SIMPLE_SIGNING
    ? readSimpleSigning(layer, content, subject.digest)
    : readBundle(content, subject)
}

const Statement = z.looseObject({
  subject: z.array(z.looseObject({ digest: z.record(z.string(), z.string()) })),
  predicateType: z.string(),
})

function readBundle(content: Buffer, subject: { digest: string; content: Buffer }): Candidate {
  const bundle = parse('the bundle', () => bundleFromJSON(JSON.parse(content.toString('utf8'))))
  if (bundle.content.$case === 'messageSignature')
    return { bundle, artifact: subject.content, predicateType: undefined }
  const { payload, payloadType } = bundle.content.dsseEnvelope
  if (payloadType !== IN_TOTO)
    throw new UnfitSignature(`the envelope contains ${payloadType.slice(0, 100)}, not ${IN_TOTO}`)
  const statement = parse('the statement', () => Statement.parse(JSON.parse(payload.toString('utf8'))))
  const [algorithm = '', hex] = subject.digest.split(':')
  // `digest` is of the signer: only an own property counts.
  const isAboutIt = statement.subject.some(
    ({ digest }) => Object.hasOwn(digest, algorithm) && digest[algorithm] === hex,
  )
  if (!isAboutIt) throw new UnfitSignature('it is about another manifest')
  return { bundle, artifact: undefined, predicateType: statement.predicateType }
}

const SimpleSigning = z.looseObject({
  critical: z.looseObject({ image: z.looseObject({ 'docker-manifest-digest': z.string() }) }),
})
const CosignBundle = z.object({
  SignedEntryTimestamp: z.string(),
  Payload: z.object({ body: z.string(), integratedTime: z.number(), logIndex: z.number(), logID: z.string() }),
})
const LogBody = z.looseObject({ kind: z.string(), apiVersion: z.string() })
const CosignTimestamp = z.object({ SignedRFC3161Timestamp: z.string() })

function readSimpleSigning({ annotations = {} }: Descriptor, content: Buffer, subject: string): Candidate {
  const said = parse('the payload', () => SimpleSigning.parse(JSON.parse(content.toString('utf8'))))
  if (said.critical.image['docker-manifest-digest'] !== subject)
    throw new UnfitSignature('it is about another manifest')
  const annotation = (name: string) => (Object.hasOwn(annotations, name) ? annotations[name] : undefined)
  const certificate = annotation('dev.sigstore.cosign/certificate')
  const signature = annotation('dev.cosignproject.cosign/signature')
  if (signature === undefined) throw new UnfitSignature('it has no annotation dev.cosignproject.cosign/signature')
  if (certificate === undefined)
    throw new UnfitSignature('it was made with a key; only identities of certificates can be verified')
  const bundle = parse('the annotations', () =>
    bundleFromJSON({
      mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.1',
      verificationMaterial: {
        x509CertificateChain: { certificates: [{ rawBytes: certificate.replace(/-----[^-]+-----|\s/g, '') }] },
        tlogEntries: logEntries(annotation('dev.sigstore.cosign/bundle')),
        timestampVerificationData: {
          rfc3161Timestamps: timestamps(annotation('dev.sigstore.cosign/rfc3161timestamp')),
        },
      },
      messageSignature: {
        messageDigest: { algorithm: 'SHA2_256', digest: createHash('sha256').update(content).digest('base64') },
        signature,
      },
    }),
  )
  return { bundle, artifact: content, predicateType: undefined }
}

function logEntries(text: string | undefined): unknown[] {
  if (text === undefined) return []
  const { SignedEntryTimestamp, Payload } = CosignBundle.parse(JSON.parse(text))
  const { kind, apiVersion } = LogBody.parse(JSON.parse(Buffer.from(Payload.body, 'base64').toString('utf8')))
  const entry = {
    logIndex: String(Payload.logIndex),
    logId: { keyId: Buffer.from(Payload.logID, 'hex').toString('base64') },
    kindVersion: { kind, version: apiVersion },
    integratedTime: String(Payload.integratedTime),
    inclusionPromise: { signedEntryTimestamp: SignedEntryTimestamp },
    canonicalizedBody: Payload.body,
  }
  return [entry]
}

function timestamps(text: string | undefined): unknown[] {
  if (text === undefined) return []
  return [{ signedTimestamp: CosignTimestamp.parse(JSON.parse(text)).SignedRFC3161Timestamp }]
}

function parse<T>(what: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    throw new UnfitSignature(`${what} cannot be read`, { cause })
  }
}
