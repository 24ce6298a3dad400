/** A railway switch. */
export function Logo() {
  return (
    <svg class="logo" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" focusable="false">
      <path d="M7.5 21.5v-19" fill="none" stroke="currentColor" stroke-width="2.5" stroke-linecap="round" />
      <path
        d="M7.5 19c0-6.5 9-5 9-12V2.5"
        fill="none"
        stroke="currentColor"
        stroke-width="2.5"
        stroke-linecap="round"
        opacity=".6"
      />
    </svg>
  )
}

export const favicon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">
<style>path{stroke:#0b6157}@media(prefers-color-scheme:dark){path{stroke:#5fd0bd}}</style>
<path d="M7.5 21.5v-19" fill="none" stroke-width="2.7" stroke-linecap="round"/>
<path d="M7.5 19c0-6.5 9-5 9-12V2.5" fill="none" stroke-width="2.7" stroke-linecap="round" opacity=".6"/>
</svg>
`
