import { parseArgs } from 'node:util'
import { suggest } from '@trainyard/contract/format'
import { UsageError } from '../errors.ts'
import type { Argument, Option } from './values.ts'

interface Declaration {
  arguments: Readonly<Record<string, Argument<unknown>>>
  options: Readonly<Record<string, Option<unknown>>>
}

/** Parses the arguments of a command into values by name, in camel case. Throws {@link UsageError}. */
export function readCommandLine(declared: Declaration, args: readonly string[]): Record<string, unknown> {
  const { options, positionals } = readTokens(declared.options, args)
  const values: Record<string, unknown> = {}
  for (const [name, option] of Object.entries(declared.options))
    values[toCamelCase(name)] = option.read(options.get(name) ?? [], `--${name}`)
  return { ...values, ...readArguments(declared.arguments, positionals) }
}

function readTokens(options: Declaration['options'], args: readonly string[]) {
  const names = new Map<string, string>()
  const config: Record<string, { type: 'string' | 'boolean'; short?: string }> = {}
  for (const [name, { alias, placeholder, short }] of Object.entries(options)) {
    for (const each of alias === undefined ? [name] : [name, alias]) {
      names.set(each, name)
      config[each] = { type: placeholder === undefined ? 'boolean' : 'string' }
    }
    if (short !== undefined) config[name] = { type: placeholder === undefined ? 'boolean' : 'string', short }
  }
  // Not strict: Node's messages know nothing of our other options.
  const { tokens } = parseArgs({ args: [...args], options: config, strict: false, tokens: true })
  const texts = new Map<string, string[]>()
  const positionals: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value)
    if (token.kind !== 'option') continue
    const name = names.get(token.name)
    const option = name === undefined ? undefined : options[name]
    if (name === undefined || option === undefined)
      throw new UsageError(
        `unknown option "${token.rawName}"${suggest(token.name, [...names.keys(), 'help'], (close) => `--${close}`)}`,
      )
    const text = option.placeholder === undefined ? readFlag(token) : readText(token, option.placeholder)
    texts.set(name, [...(texts.get(name) ?? []), text])
  }
  return { options: texts, positionals }
}

interface OptionToken {
  rawName: string
  value: string | undefined
  inlineValue: boolean | undefined
}

function readFlag({ rawName, value }: OptionToken): string {
  if (value !== undefined) throw new UsageError(`${rawName} takes no value, got "${value}"`)
  return ''
}

function readText({ rawName, value, inlineValue }: OptionToken, placeholder: string): string {
  if (value === undefined) throw new UsageError(`${rawName} expects a value: ${rawName} ${placeholder}`)
  // "--name --json" lacks a value; "--priority -10" does not.
  if (!inlineValue && /^-[^\d.]/.test(value))
    throw new UsageError(`${rawName} expects a value, got "${value}"; if that is the value, write ${rawName}=${value}`)
  return value
}

function readArguments(declared: Declaration['arguments'], texts: readonly string[]): Record<string, unknown> {
  const values: Record<string, unknown> = {}
  let at = 0
  for (const [name, argument] of Object.entries(declared)) {
    const own = texts.slice(at, at + argument.max)
    if (own.length < argument.min)
      throw new UsageError(`missing argument ${argument.placeholder}: ${argument.description}`)
    values[name] = argument.read(own, argument.placeholder)
    at += own.length
  }
  if (at < texts.length) throw new UsageError(tooMany(texts, Object.values(declared)))
  return values
}

function tooMany(texts: readonly string[], declared: readonly Argument<unknown>[]): string {
  const allowed = declared.length
  const isRange = declared.some(({ min }) => min === 0)
  const expected =
    allowed === 0 ? 'no arguments' : `${isRange ? 'at most ' : ''}${allowed} argument${allowed > 1 ? 's' : ''}`
  return `unexpected argument "${texts[allowed]}": expected ${expected}, got ${texts.length}`
}

function toCamelCase(name: string): string {
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())
}
