import type { VersionSignature } from '@trainyard/contract'
import { Sentence } from '../words/sentence.tsx'
import { t } from '../words/t.ts'

/** Who signed a version, and what keeps a signature from counting. */
export function Signatures({ signatures }: { signatures: readonly VersionSignature[] }) {
  return (
    <section aria-labelledby="signatures">
      <h2 id="signatures">{t('Signatures')}</h2>
      <ul>
        {signatures.map(({ verified, signer, issuer, reason, predicateType }) => (
          <li>
            <strong>{verified ? t('Verified') : t('Not verified')}</strong>
            {': '}
            {kindOf(predicateType)}
            {signer !== undefined && (
              <>
                {' '}
                <Sentence text="by {signer} ({issuer})" signer={<code>{signer}</code>} issuer={issuer} />
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
  if (predicateType === undefined) return t('a signature')
  if (/^https:\/\/slsa\.dev\/provenance\//.test(predicateType)) return t('provenance')
  return t('an attestation ({type})', { type: predicateType })
}
