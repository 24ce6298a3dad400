import type { Child } from 'hono/jsx'

/** Makes a wide table scroll in its own area, by keyboard too. */
export function Scroll({ label, children }: { label: string; children?: Child }) {
  return (
    <section class="scroll" aria-label={label} tabindex={0}>
      {children}
    </section>
  )
}
