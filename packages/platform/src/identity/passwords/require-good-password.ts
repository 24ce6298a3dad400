import { invalidRequest } from '../../errors.ts'

/** The minimum of the contract's schema. */
const MIN_CHARACTERS = 10
/** 10^6 guesses or more: an estimate below that is one of the first things that a guesser tries. */
const MIN_SCORE = 2
/** The estimate takes longer for longer texts; 40 characters are estimated in less time than the hash takes. */
const ESTIMATED_CHARACTERS = 40
/** What must remain of a password besides the account's email and name. */
const MIN_OWN_CHARACTERS = 6

export interface RequireGoodPasswordOptions {
  /** The field of the request. */
  field: 'password' | 'newPassword'
  account: { email: string | null; display_name: string }
}

/**
 * Refuses a password that others would guess first. Called wherever a password is set.
 *
 * @throws TrainyardError `invalid_request`
 */
export async function requireGoodPassword(
  password: string,
  { field, account }: RequireGoodPasswordOptions,
): Promise<void> {
  const detail = await findWeakness(password, personalWords(account))
  if (detail !== undefined) throw invalidRequest([{ path: field, detail }])
}

async function findWeakness(password: string, personal: readonly string[]): Promise<string | undefined> {
  const text = password.normalize('NFKC')
  if (text.length < MIN_CHARACTERS) return `must be at least ${MIN_CHARACTERS} characters`
  if (text.trim() === '') return 'must not be white space only'
  if (new Set(text).size === 1) return 'must not be one character repeated'
  if (ownPart(text, personal).length < MIN_OWN_CHARACTERS)
    return 'must not be made of the email or the name of the account; choose several unrelated words'
  const estimate = await loadEstimate()
  if (estimate(text.slice(0, ESTIMATED_CHARACTERS), personal) < MIN_SCORE)
    return 'is easy to guess: it is a common password, a pattern, or close to one; choose several unrelated words'
  return undefined
}

/** The email, its parts, and the words of the name, from the longest to the shortest. */
function personalWords({ email, display_name: name }: RequireGoodPasswordOptions['account']): string[] {
  const texts = [email ?? '', ...(email ?? '').split('@'), name].map((text) => text.toLowerCase().normalize('NFKC'))
  const words = [...texts, ...texts.map((text) => text.replaceAll(/[^\p{L}\p{N}]/gu, ''))]
  const parts = texts.flatMap((text) => text.split(/[^\p{L}\p{N}]+/u))
  return [...new Set([...words, ...parts])].filter((word) => word.length >= 3).sort((a, b) => b.length - a.length)
}

/** The characters that remain when the personal words are removed. */
function ownPart(password: string, personal: readonly string[]): string {
  const rest = personal.reduce((text, word) => text.replaceAll(word, ' '), password.toLowerCase())
  return rest.replaceAll(/\s/g, '')
}

type Estimate = (password: string, personal: readonly string[]) => number

let loading: Promise<Estimate> | undefined

/** Loaded at the first use: the list of 49,000 common passwords takes memory, and most processes never need it. */
function loadEstimate(): Promise<Estimate> {
  loading ??= createEstimate()
  return loading
}

async function createEstimate(): Promise<Estimate> {
  const [{ ZxcvbnFactory }, { dictionary, adjacencyGraphs }] = await Promise.all([
    import('@zxcvbn-ts/core'),
    import('@zxcvbn-ts/language-common'),
  ])
  const zxcvbn = new ZxcvbnFactory({ dictionary, graphs: adjacencyGraphs })
  return (password, personal) => zxcvbn.check(password, ['trainyard', ...personal]).score
}
