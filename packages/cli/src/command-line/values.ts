import { suggest } from '@trainyard/contract/format'
import { UsageError } from '../errors.ts'

/** What shells complete in place of a value. */
export type Completion = { kind: 'words'; words: readonly string[] } | { kind: 'file' } | { kind: 'folder' }

/** A part of a command line that becomes a value of type `T`. */
interface Value<T> {
  /** For help: a phrase without a full stop. */
  description: string
  completion?: Completion | undefined
  /** Parses all texts of the argument or option, in their order. `name` is for messages. Throws {@link UsageError}. */
  read(texts: readonly string[], name: string): T
}

/** A named option, such as `--limit N`. */
export interface Option<T> extends Value<T> {
  /** Name of the value in help. Undefined for a flag, which has no value. */
  placeholder?: string | undefined
  /** One letter, without its hyphen. */
  short?: string | undefined
  /** Another name with the same meaning. */
  alias?: string | undefined
  /** For help: what applies without the option. */
  fallback?: string | undefined
  isRepeatable?: boolean | undefined
}

/** A positional argument, such as `JOB`. */
export interface Argument<T> extends Value<T> {
  placeholder: string
  /** How many are required, and how many are allowed. */
  min: 0 | 1
  max: number
}

/** Parses one text. Throws {@link UsageError} that begins with `name`. */
export type Parse<T> = (text: string, name: string) => T

interface OptionSettings {
  placeholder: string
  description: string
  short?: string
  alias?: string
  fallback?: string
  completion?: Completion
}

const asIs: Parse<string> = (text) => text

/** `--force`: true if it is given. */
export function flag(description: string, settings: { short?: string; alias?: string } = {}): Option<boolean> {
  return { ...settings, description, read: (texts) => texts.length > 0 }
}

/** `--name TEXT`. With `parse`, its text becomes another value. */
export function option(settings: OptionSettings): Option<string | undefined>
export function option<T>(settings: OptionSettings & { parse: Parse<T> }): Option<T | undefined>
export function option<T>({
  parse,
  ...settings
}: OptionSettings & { parse?: Parse<T> }): Option<T | string | undefined> {
  return { ...settings, read: (texts, name) => readLast(texts, name, parse ?? asIs) }
}

/** `--set NAME=VALUE`, which can be repeated. */
export function repeatable(settings: OptionSettings): Option<string[]> {
  return { ...settings, isRepeatable: true, read: (texts) => [...texts] }
}

/** `--state STATE`: one of a few words. `aliases` are accepted as well. */
export function choice<const T extends string>(
  choices: readonly T[],
  { aliases = {}, ...settings }: OptionSettings & { aliases?: Readonly<Record<string, T>> },
): Option<T | undefined> {
  return {
    completion: { kind: 'words', words: choices },
    ...settings,
    read: (texts, name) => readLast(texts, name, oneOf(choices, aliases)),
  }
}

/** Accepts these words, and `aliases` of them. */
export function oneOf<const T extends string>(
  choices: readonly T[],
  aliases: Readonly<Record<string, T>> = {},
): Parse<T> {
  return (text, name) => {
    const found = choices.find((each) => each === text) ?? (Object.hasOwn(aliases, text) ? aliases[text] : undefined)
    if (found !== undefined) return found
    throw new UsageError(`${name} is "${text}": expected ${orList(choices)}${suggest(text, choices)}`)
  }
}

interface NumberSettings<D> extends Omit<OptionSettings, 'fallback'> {
  min: number
  /** Default: no limit. */
  max?: number
  isWhole?: boolean
  /** The value without the option. */
  default?: D
  fallback?: string
}

/** `--limit N`: a number in a range. */
export function number<D extends number | undefined = undefined>({
  min,
  max = Number.POSITIVE_INFINITY,
  isWhole = false,
  default: otherwise,
  ...settings
}: NumberSettings<D>): Option<number | D> {
  const parse = parseNumber({ min, max, isWhole })
  return {
    ...settings,
    fallback: settings.fallback ?? otherwise?.toString(),
    // Without the option, `otherwise` has the type D: undefined if no default is given.
    read: (texts, name) => readLast(texts, name, parse) ?? (otherwise as D),
  }
}

/** Accepts numbers of a range. */
export function parseNumber({ min, max, isWhole }: { min: number; max: number; isWhole: boolean }): Parse<number> {
  return (text, name) => {
    const value = text.trim() === '' ? Number.NaN : Number(text)
    if (value >= min && value <= max && (!isWhole || Number.isInteger(value))) return value
    const kind = isWhole ? 'a whole number' : 'a number'
    const range = max === Number.POSITIVE_INFINITY ? `of at least ${min}` : `from ${min} to ${max}`
    throw new UsageError(`${name} is "${text}": expected ${kind} ${range}`)
  }
}

/** As in most programs, the last of several wins. */
function readLast<T>(texts: readonly string[], name: string, parse: Parse<T> | Parse<string>): T | undefined {
  const last = texts.at(-1)
  return last === undefined ? undefined : (parse(last, name) as T)
}

interface ArgumentSettings {
  description: string
  completion?: Completion
}

/** `JOB`: exactly one. */
export function argument(placeholder: string, settings: ArgumentSettings): Argument<string>
export function argument<T>(placeholder: string, settings: ArgumentSettings & { parse: Parse<T> }): Argument<T>
export function argument<T>(
  placeholder: string,
  { parse, ...settings }: ArgumentSettings & { parse?: Parse<T> },
): Argument<T | string> {
  return { ...settings, placeholder, min: 1, max: 1, read: ([text = ''], name) => (parse ?? asIs)(text, name) }
}

/** `[DIR]`: none or one. */
export function optionalArgument(placeholder: string, settings: ArgumentSettings): Argument<string | undefined> {
  return { ...settings, placeholder, min: 0, max: 1, read: ([text]) => text }
}

/** `JOB...`: one or more. */
export function argumentList(placeholder: string, settings: ArgumentSettings): Argument<string[]>
export function argumentList<T>(placeholder: string, settings: ArgumentSettings & { parse: Parse<T> }): Argument<T[]>
export function argumentList<T>(
  placeholder: string,
  { parse, ...settings }: ArgumentSettings & { parse?: Parse<T> },
): Argument<(T | string)[]> {
  return {
    ...settings,
    placeholder,
    min: 1,
    max: Number.POSITIVE_INFINITY,
    read: (texts, name) => texts.map((text) => (parse ?? asIs)(text, name)),
  }
}

/** `a, b or c` */
function orList(words: readonly string[]): string {
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
}
