import fc from 'fast-check'

/** Arbitraries of this file generate JSON text: numbers such as 1e999 and repeated keys have no value in JavaScript. */
export type JsonText = fc.Arbitrary<string>

const nested = (depth: number, open: string, close: string) => `${open.repeat(depth)}${close.repeat(depth)}`
const cursor = (content: string) => Buffer.from(content).toString('base64url')

/** Text that is odd for a database, a calendar, a path or a person. As JSON. */
const ODD_STRINGS = [
  '""',
  '"\\u0000"',
  '"a\\u0000b"',
  '"\\ud800"',
  '"\\udc00x"',
  '"😀é"',
  '"0000-01-01T00:00:00Z"',
  '"0001-01-01T00:00:00+14:00"',
  '"9999-12-31T23:59:59-14:00"',
  '"+099999-01-01T00:00:00.000Z"',
  '"2026-02-30T00:00:00Z"',
  '"2026-11-20T09:30:00.123456789Z"',
  '"infinity"',
  '"NaN"',
  '"-Infinity"',
  '"__proto__"',
  '"constructor"',
  '"../../etc/passwd"',
  '"%00"',
  '"\\n\\u202e\\u001b[31m"',
  `"${'x'.repeat(10_000)}"`,
  `"${'😀'.repeat(130)}"`,
]
const ODD_NUMBERS = [
  '-0',
  '1e308',
  '-1e308',
  '1e-320',
  '5e-324',
  '1e999',
  '-1e999',
  '9007199254740991',
  '9007199254740993',
  '9223372036854775807',
  '9223372036854775808',
  '-9223372036854775809',
  '2147483647',
  '2147483648',
  '-1',
  '0.1',
  '1e21',
]
const ODD_COMPOUNDS = [
  '{}',
  '[]',
  '{"__proto__":{"type":"log"}}',
  '{"constructor":{"prototype":{}}}',
  '{"a":1,"a":{"b":2}}',
  '{"\\u0000":1,"\\ud800":2,"":3}',
  '{"toString":1,"length":-1}',
  nested(50, '[', ']'),
  `${'{"a":'.repeat(50)}1${'}'.repeat(50)}`,
  `[${'0,'.repeat(3000)}0]`,
  `{${Array.from({ length: 1000 }, (_, index) => `"k${index}":${index}`).join()}}`,
]
/** Deeper than any stack. */
const ABYSS = [nested(10_000, '[', ']'), `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`]

/** Any JSON value, and many that have caused failures somewhere. */
export const oddJson: JsonText = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('null', 'true', ...ODD_STRINGS) },
  { weight: 4, arbitrary: fc.constantFrom(...ODD_NUMBERS) },
  { weight: 3, arbitrary: fc.constantFrom(...ODD_COMPOUNDS) },
  { weight: 3, arbitrary: fc.json({ maxDepth: 3 }) },
)
/** The same, and values that are nested 10,000 deep. */
export const abysmalJson: JsonText = fc.oneof(
  { weight: 15, arbitrary: oddJson },
  { weight: 1, arbitrary: fc.constantFrom(...ABYSS) },
)

/** Text for a path or a query, already in whatever percent-encoding it has. */
export const oddUrlText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    '%00',
    'a%00b',
    '%',
    '%zz',
    '%ff',
    '%ED%A0%80',
    '%C0%80',
    '%F0%9F%98%80',
    '..%2F..%2Fetc',
    '0',
    '-1',
    '1e9',
    '1.5',
    'NaN',
    'Infinity',
    '9007199254740993',
    '9223372036854775808',
    '99999999999999999999',
    'null',
    '[]',
    '0000-01-01T00%3A00%3A00Z',
    '%2B099999-01-01T00%3A00%3A00Z',
    'x'.repeat(10_000),
  ),
  fc
    .constantFrom(
      '["0000-01-01T00:00:00Z","a"]',
      '["+099999-01-01T00:00:00.000Z","a"]',
      '["2026-13-45T00:00:00Z","a"]',
      '["2026-01-01T00:00:00Z","a\\u0000"]',
      '["2026-01-01T00:00:00Z",1]',
      '["\\u0000"]',
      '["\\ud800"]',
      '[1]',
      '{"a":1}',
      '["1",1,"\\u0000"]',
      '["1e400",1,"a"]',
      '["1",9007199254740993,"a"]',
      `["${'9'.repeat(400)}",1,"a"]`,
      'null',
      '"',
      nested(3000, '[', ']'),
    )
    .map(cursor),
  fc.string({ unit: 'grapheme', maxLength: 20 }).map(encodeURIComponent),
)

/** What HTTP allows in a header: no control characters, Latin-1. */
export const oddHeader: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    '',
    '0',
    '-1',
    '99999999999999999999',
    'bytes=0-',
    'bytes 0-99999999999999999999/*',
    'ÿ',
    '%00',
    '*/*',
  ),
  fc.constantFrom('0.0.0', '1.999999999999999.999999999999999', '9999999.0.0', 'Bearer a.b.c', 'x'.repeat(5000)),
  fc.string({ unit: 'grapheme-ascii', maxLength: 30 }).map((text) => text.trim()),
)
