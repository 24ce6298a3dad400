import type { Child } from 'hono/jsx'
import { t } from '../words/t.ts'

interface SearchFormProps {
  action: string
  /** For those who do not see that it is the search. */
  label: string
  q: string
  placeholder: string
  autocomplete?: 'off' | undefined
  /** Hidden fields that the search keeps. */
  children?: Child
}

/** A field for words, and a button. Works without scripts. */
export function SearchForm({ action, label, q, placeholder, autocomplete, children }: SearchFormProps) {
  return (
    <form class="search" action={action} method="get">
      <label class="visually-hidden" for="q">
        {label}
      </label>
      <input
        id="q"
        type="search"
        name="q"
        value={q}
        placeholder={placeholder}
        maxlength={200}
        autocomplete={autocomplete}
      />
      {children}
      <button type="submit">{t('Search')}</button>
    </form>
  )
}
