import type { Trust } from '@trainyard/contract'

/** What a version was not checked for. */
export function Skipped({ trust }: { trust: Trust }) {
  if (trust.skipped.length === 0) return null
  return <p>Not checked: {trust.skipped.map(({ check, reason }) => `${check} (${reason})`).join('; ')}.</p>
}
