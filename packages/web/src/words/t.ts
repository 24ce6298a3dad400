import { currentWords } from './language.ts'

type Value = string | number

/** Names of the placeholders of a text: "{count} of {total}" has `count` and `total`. */
export type PlaceholdersOf<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | PlaceholdersOf<Rest>
  : never

type ValuesFor<Text extends string> = [PlaceholdersOf<Text>] extends [never]
  ? []
  : [values: Record<PlaceholdersOf<Text>, Value>]

/** A text in the language of the page. `text` is the English one, which is also the key of the catalogues. */
export function t<const Text extends string>(text: Text, ...[values]: ValuesFor<Text>): string {
  return fill(text, values)
}

export const PLACEHOLDER = /\{(\w+)\}/g

/** The text with its placeholders. */
export const translate = (text: string): string => currentWords()?.find(text) ?? text

export function fill(text: string, values: Readonly<Record<string, Value>> | undefined): string {
  const translated = translate(text)
  if (values === undefined) return translated
  return translated.replace(PLACEHOLDER, (whole, name: string) =>
    Object.hasOwn(values, name) ? String(values[name]) : whole,
  )
}
