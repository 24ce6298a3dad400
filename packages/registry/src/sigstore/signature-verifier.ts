import { readFile } from 'node:fs/promises'
import { TrustedRoot } from '@sigstore/protobuf-specs'
import { PolicyError, toSignedEntity, toTrustMaterial, VerificationError, Verifier } from '@sigstore/verify'
import { ConfigError } from '@trainyard/platform'
import { type Candidate, UnfitSignature } from './candidates.ts'
import { readSigner, type SignerIdentity } from './signer.ts'

/** A signature that was verified, or why it was not. Whether its signer counts is another question. */
export type Verified = ({ signer: SignerIdentity } | { reason: string }) & { predicateType?: string | undefined }

const MAX_REMEMBERED = 2000

/** Verifies signatures against the operator's trust root, without any request. Remembers the results. */
export class SignatureVerifier {
  readonly #verifier: Verifier | undefined
  readonly #remembered = new Map<string, Verified>()

  constructor(verifier: Verifier | undefined) {
    this.#verifier = verifier
  }

  /** @param key identifies the signature and what it is about */
  async verify(key: string, read: () => Promise<Candidate>): Promise<Verified> {
    const known = this.#remembered.get(key)
    if (known !== undefined) return known
    const candidate = await read().catch((error: unknown) => {
      if (error instanceof UnfitSignature) return error
      throw error
    })
    const result = candidate instanceof UnfitSignature ? { reason: candidate.message } : this.#verify(candidate)
    if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear()
    this.#remembered.set(key, result)
    return result
  }

  #verify({ bundle, artifact, predicateType }: Candidate): Verified {
    if (this.#verifier === undefined)
      return {
        reason: 'this registry has no trust root (SIGSTORE_TRUSTED_ROOT), so signatures are not verified',
        predicateType,
      }
    try {
      // Any signer is accepted here: who counts is our policy, and the page names the others too.
      const signer = readSigner(this.#verifier.verify(toSignedEntity(bundle, artifact)))
      return signer === undefined
        ? { reason: 'its certificate names no identity', predicateType }
        : { signer, predicateType }
    } catch (error) {
      const isRefused = error instanceof VerificationError || error instanceof PolicyError
      // Hostile certificates and signatures make the parsers throw all kinds of errors.
      const code = isRefused ? ` (${error.code})` : ''
      const why = error instanceof Error ? error.message.slice(0, 200) : 'unreadable'
      return { reason: `it is not genuine: ${why}${code}`, predicateType }
    }
  }
}

/** @throws ConfigError if the file is no trust root */
export async function openSignatureVerifier(file: string | undefined): Promise<SignatureVerifier> {
  if (file === undefined) return new SignatureVerifier(undefined)
  try {
    const root = TrustedRoot.fromJSON(JSON.parse(await readFile(file, 'utf8')))
    if (root.certificateAuthorities.length === 0) throw new Error('it has no certificate authorities')
    return new SignatureVerifier(new Verifier(toTrustMaterial(root)))
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new ConfigError(
      `SIGSTORE_TRUSTED_ROOT is "${file}", which is not a trust root of Sigstore (trusted_root.json): ${why}`,
    )
  }
}
