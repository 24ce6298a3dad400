import { UsageError } from '../../errors.ts'

/** `a=b` as an entry of an object. The value may hold `=` too. Throws {@link UsageError}. */
export function readPairs(texts: readonly string[], name: string, form: string): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=')
      if (at <= 0) throw new UsageError(`${name} is "${text}": expected ${form}`)
      return [text.slice(0, at), text.slice(at + 1)]
    }),
  )
}
