import type { Child } from 'hono/jsx'

/** Lets a wide table scroll on its own, by keyboard too. */
export function Scroll({ label, children }: { label: string; children?: Child }) {
  return (
    <section class="scroll" aria-label={label} tabindex={0}>
      {children}
    </section>
  )
}
