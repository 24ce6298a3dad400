import { formatInstant, formatRelative } from '../format.ts'

/** "3 minutes ago", with the instant for machines and on hover. The browser keeps it current. */
export function RelativeTime({ at, now }: { at: string; now: Date }) {
  return (
    <time datetime={at} title={formatInstant(at)} data-relative="">
      {formatRelative(at, now)}
    </time>
  )
}
