/** Two rails that become one: the switch of a yard. */
export function Logo() {
  return (
    <svg class="logo" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" focusable="false">
      <path
        d="M7 21V3M17 21V13C17 9 7 9 7 5"
        fill="none"
        stroke="currentColor"
        stroke-width="2.4"
        stroke-linecap="round"
      />
      <path
        d="M4 7h6M4 12h6M4 17h6M14 17h6"
        fill="none"
        stroke="currentColor"
        stroke-width="1.6"
        stroke-linecap="round"
        opacity=".55"
      />
    </svg>
  )
}

export const favicon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">
<style>path{stroke:#0b6157}@media(prefers-color-scheme:dark){path{stroke:#5fd0bd}}</style>
<path d="M7 21V3M17 21V13C17 9 7 9 7 5" fill="none" stroke-width="2.6" stroke-linecap="round"/>
<path d="M4 7h6M4 12h6M4 17h6M14 17h6" fill="none" stroke-width="1.7" stroke-linecap="round" opacity=".6"/>
</svg>
`
