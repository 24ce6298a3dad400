import type { Trust } from '@trainyard/contract'
import { t } from '../words/t.ts'

/** What a version was not checked for. */
export function Skipped({ trust }: { trust: Trust }) {
  if (trust.skipped.length === 0) return null
  return (
    <p>
      {t('Not checked: {skipped}.', {
        skipped: trust.skipped.map(({ check, reason }) => `${check} (${reason})`).join('; '),
      })}
    </p>
  )
}
