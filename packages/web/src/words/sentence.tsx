import type { Child } from 'hono/jsx'
import { PLACEHOLDER, type PlaceholdersOf, translate } from './t.ts'

type SentenceProps<Text extends string> = { text: Text } & Record<PlaceholdersOf<Text>, Child>

/** A text whose placeholders are elements, such as links and times: each language has its own order of them. */
export function Sentence<const Text extends string>(props: SentenceProps<Text>) {
  const values = props as Record<string, Child>
  // Text is at the even indexes, and names of placeholders are at the odd ones.
  const parts = translate(props.text).split(PLACEHOLDER)
  return <>{parts.map((part, index) => (index % 2 === 0 ? part : values[part]))}</>
}
