import type { VersionSignature } from '@trainyard/contract'

/** Who signed a version, and what keeps a signature from counting. */
export function Signatures({ signatures }: { signatures: readonly VersionSignature[] }) {
  return (
    <section aria-labelledby="signatures">
      <h2 id="signatures">Signatures</h2>
      <ul>
        {signatures.map(({ verified, signer, issuer, reason, predicateType }) => (
          <li>
            <strong>{verified ? 'Verified' : 'Not verified'}</strong>: {kindOf(predicateType)}
            {signer !== undefined && (
              <>
                {' '}
                by <code>{signer}</code> ({issuer})
              </>
            )}
            {reason !== undefined && <span class="sub">{reason}</span>}
          </li>
        ))}
      </ul>
    </section>
  )
}

function kindOf(predicateType: string | undefined): string {
  if (predicateType === undefined) return 'a signature'
  if (/^https:\/\/slsa\.dev\/provenance\//.test(predicateType)) return 'provenance'
  return `an attestation (${predicateType})`
}
