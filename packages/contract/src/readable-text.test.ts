import { describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { RegisterDatasetRequest } from './datasets-api.ts'
import {
  CreateOrganisationRequest,
  CreateProjectRequest,
  CreateTokenRequest,
  InviteAccountRequest,
  SignUpRequest,
} from './identity-api.ts'
import { CreateJobRequest } from './jobs-api.ts'
import { PublishedManifest, TrainerManifest } from './manifest.ts'
import { findOddCharacter, withoutOddCharacters } from './readable-text.ts'
import { DeprecateVersionRequest, YankVersionRequest } from './trainers-api.ts'

const ODD: [name: string, codePoint: string][] = [
  ['NUL', '\u0000'],
  ['a line feed', '\n'],
  ['an escape', '\u001b'],
  ['DEL', '\u007f'],
  ['a C1 control', '\u009b'],
  ['a soft hyphen', '\u00ad'],
  ['an Arabic letter mark', '\u061c'],
  ['a zero-width space', '\u200b'],
  ['a zero-width non-joiner', '\u200c'],
  ['a zero-width joiner', '\u200d'],
  ['a left-to-right mark', '\u200e'],
  ['a right-to-left mark', '\u200f'],
  ['a line separator', '\u2028'],
  ['an embedding', '\u202a'],
  ['a pop', '\u202c'],
  ['a right-to-left override', '\u202e'],
  ['a word joiner', '\u2060'],
  ['an isolate', '\u2066'],
  ['a pop of an isolate', '\u2069'],
  ['a byte order mark', '\ufeff'],
  ['a high surrogate', '\ud83d'],
  ['a low surrogate', '\ude00'],
  ['a tag outside of a flag', '\u{e0067}'],
]

const FINE = [
  'Ada Lovelace',
  'Zoë Müller-Straße 3',
  'שלום עולם',
  'مرحبا بالعالم',
  'می‌خواهم',
  'क्‍ष',
  '日本語',
  '👩‍👩‍👧 family',
  '👩🏽‍💻',
  '❤️‍🔥',
  '🏴󠁧󠁢󠁥󠁮󠁧󠁿',
  '🇫🇷',
  'e\u0301',
]

const manifest = (texts: object) => ({
  name: 'acme/yolo',
  version: '1.0.0',
  displayName: 'YOLO',
  description: 'Finds objects',
  license: 'MIT',
  authors: ['Ada'],
  contract: '1',
  framework: 'none',
  entrypoints: { train: ['node', 'train.js'] },
  models: [{ name: 'tiny', taskTypes: ['classification'] }],
  taskTypes: ['classification'],
  datasetFormats: ['imagefolder'],
  ...texts,
})

/** Every text that people choose for others to read: how a request with it looks. */
const FIELDS: Record<string, (text: string) => [schema: z.ZodType, value: unknown]> = {
  'the name of a person': (displayName) => [
    SignUpRequest,
    { email: 'ada@example.com', password: 'a long password', displayName },
  ],
  'the name of an invited person': (displayName) => [InviteAccountRequest, { email: 'ada@example.com', displayName }],
  'the name of an organisation': (displayName) => [CreateOrganisationRequest, { slug: 'acme', displayName }],
  'the name of a project': (displayName) => [CreateProjectRequest, { slug: 'acme', displayName }],
  'the name of a token': (name) => [CreateTokenRequest, { name, scopes: ['jobs:read'] }],
  'the name of a job': (name) => [CreateJobRequest, { trainer: 'acme/yolo', operation: 'train', name }],
  'the name of a dataset': (name) => [RegisterDatasetRequest, { name, source: { prefix: 'images/' } }],
  'the notice of a version': (message) => [DeprecateVersionRequest, { message }],
  'the reason of a yank': (reason) => [YankVersionRequest, { reason }],
  'the name of a trainer': (displayName) => [TrainerManifest, manifest({ displayName })],
  'a model of a trainer': (displayName) => [
    TrainerManifest,
    manifest({ models: [{ name: 'tiny', displayName, taskTypes: ['classification'] }] }),
  ],
  'a keyword of a trainer': (keyword) => [TrainerManifest, manifest({ keywords: [keyword] })],
  'a preset of a trainer': (preset) => [TrainerManifest, manifest({ config: { presets: { [preset]: {} } } })],
  'the author of a trainer': (author) => [TrainerManifest, manifest({ authors: [author] })],
}

/** What a schema says about the text that contains `text`. Other fields may be missing. */
function complaints(schema: z.ZodType, value: unknown): string[] {
  const { error } = schema.safeParse(value)
  return (error?.issues ?? []).map(({ message }) => message).filter((message) => message.includes('U+'))
}

describe.each(Object.keys(FIELDS))('%s', (field) => {
  it.each(ODD)('with %s is refused with the code point and its position', (_name, character) => {
    const [schema, value] = FIELDS[field]?.(`ab${character}c`) ?? expect.fail()
    const hex = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
    expect(complaints(schema, value)).toEqual([
      expect.stringContaining(`must not contain U+${hex}, which is character 3`),
    ])
  })

  it.each(FINE)('can be %s', (text) => {
    const [schema, value] = FIELDS[field]?.(text) ?? expect.fail()
    expect(complaints(schema, value)).toEqual([])
  })
})

it('the short name of an organisation is refused with the code point that cannot be seen', () => {
  expect(complaints(CreateOrganisationRequest, { slug: 'ac\u200bme' })).toEqual([
    expect.stringContaining('U+200B is character 3'),
  ])
})

it('counts characters as people do, so that emoji are one', () => {
  expect(findOddCharacter('😀😀\u202e')).toEqual({ codePoint: 'U+202E', position: 3 })
})

it('allows lines in descriptions, and nothing else that is invisible', () => {
  expect(findOddCharacter('one\r\n\ttwo', { lines: true })).toBeUndefined()
  expect(findOddCharacter('one\ntwo\u2067', { lines: true })).toEqual({ codePoint: 'U+2067', position: 8 })
  expect(complaints(TrainerManifest, manifest({ description: 'one\ntwo' }))).toEqual([])
  expect(complaints(TrainerManifest, manifest({ description: 'one\ntwo\u202e' }))).toHaveLength(1)
})

it('is a rule for new manifests: those that are published can still be read', () => {
  expect(PublishedManifest.safeParse(manifest({ displayName: 'a\u202eb' })).success).toBe(true)
})

it('leaves the rest of a name that another system has chosen', () => {
  expect(withoutOddCharacters('Ada\u202e \u200bLove\ud83dlace 👩‍👧')).toBe('Ada Lovelace 👩‍👧')
})
