import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CutJsonOptions, cutJson } from './cut-json.ts'

let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'trainyard-json-'))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

/** The result of `JSON.parse`, by way of the cutter. */
async function parse(text: string | Uint8Array, options: Partial<CutJsonOptions> & { find?: string } = {}) {
  const file = join(dir, 'a.json')
  writeFileSync(file, text)
  const items: unknown[] = []
  const found: (string | undefined)[] = []
  const { find, ...rest } = options
  const onElement = ({
    bytes,
    start,
    end,
    found: at,
  }: {
    bytes: Buffer
    start: number
    end: number
    found: number
  }) => {
    items.push(JSON.parse(bytes.toString('utf8', start, end)))
    found.push(at < 0 ? undefined : bytes.toString('utf8', at, at + 3))
  }
  const members = await cutJson(file, 'a.json', {
    arrays: { items: { onElement, find } },
    ...rest,
  })
  return { items, found, members }
}

describe('the JSON cutter', () => {
  it('a member named __proto__ is a member, not the prototype of the result', async () => {
    const { members } = await parse('{"__proto__": {"task_type": "x"}, "items": []}')
    expect(Object.keys(members)).toEqual(['__proto__'])
    expect(members.task_type).toBeUndefined()
  })

  it('gives every element and member as JSON.parse does, with chunks of any size', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.jsonValue({ maxDepth: 4 }), { maxLength: 20 }),
        fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 }),
        fc.constantFrom(0, 2),
        fc.integer({ min: 2, max: 40 }),
        async (items, others, indent, chunk) => {
          const { items: _, ...members } = others
          const whole = { ...members, items }
          const cut = await parse(JSON.stringify(whole, null, indent), { chunkBytes: chunk * 4 })
          expect(cut.items).toEqual(JSON.parse(JSON.stringify(items)))
          expect(cut.members).toEqual(JSON.parse(JSON.stringify(members)))
        },
      ),
      { numRuns: 150 },
    )
  })

  it('respects brackets, quotes and escapes in strings, and a byte order mark', async () => {
    const items = [{ a: 'x]}\\" [{', b: [1, ']'] }, '"', '\\', [], {}, 1.5e-3, null, true]
    const text = `\uFEFF ${JSON.stringify({ items, 'n"}': { x: ']' } })}\r\n`
    for (const chunkBytes of [8, 12, 16, 64, 4096]) {
      expect(await parse(text, { chunkBytes })).toMatchObject({ items, members: { 'n"}': { x: ']' } } })
    }
  })

  it('finds a member at the top of each element, not a nested one and not a value', async () => {
    const items = '[{"a":{"id":999},"id" : 123},{"x":"id","y":["id"]},{"id":45,"z":1}]'
    for (const chunkBytes of [4, 8, 4096]) {
      expect((await parse(`{"items":${items}}`, { find: 'id', chunkBytes })).found).toEqual(['123', undefined, '45,'])
    }
  })

  it('refuses nesting of 10,000 levels without overflowing the stack', async () => {
    const deep = '['.repeat(10_000) + ']'.repeat(10_000)
    await expect(parse(`{"items":[${deep}]}`)).rejects.toThrow('nested deeper than 512 levels in items[0]')
    await expect(parse(`{"other":${deep}}`)).rejects.toThrow(DatasetError)
  })

  it.each([
    ['', 'a.json is empty; expected JSON'],
    ['[1]', 'begins with a value that is not an object; expected "{"'],
    ['{"items":[{"a":1}', 'ends in the middle of "items"'],
    ['{"items":[{"a":1},{"a":', 'ends in the middle of items[1]'],
    ['{"items":[1,]}', 'has a trailing comma after items[0]'],
    ['{"items":[1],}', 'has a trailing comma before "}"'],
    ['{"items":[1]} x', 'continues after the end of its top-level object'],
    ['{"items":[1 2]}', 'expected "," or "]" after items[0]'],
    ['{"items":[1],"items":[2]}', 'has two members "items" at its top level'],
    ['{"info":{"year":NaN},"items":[]}', '"info" in a.json is not JSON: NaN is not a JSON number'],
    ['{"info":{"year":1,},"items":[]}', '"info" in a.json is not JSON: it has a trailing comma'],
    [Buffer.from('\uFEFF{"items":[]}', 'utf16le'), 'is UTF-16 or UTF-32 text; expected JSON in UTF-8'],
    [Buffer.from('{"items":[]}', 'utf16le'), 'is UTF-16'],
    [Buffer.from([0x1f, 0x8b, 8, 0]), 'is compressed with gzip'],
    ['{"items":[;]}', 'is not JSON: found ";]}", expected a value (items[0])'],
    [`{"items":["${'x'.repeat(5000)}"]}`, 'has more than 1000 bytes in items[0] alone'],
  ])('reports what is wrong with %j', async (text, message) => {
    await expect(parse(text, { maxValueBytes: 1000, chunkBytes: 64 })).rejects.toThrow(message)
  })

  it('stops on request', async () => {
    const controller = new AbortController()
    const many = parse(`{"items":[${'1,'.repeat(50_000)}1]}`, { signal: controller.signal, chunkBytes: 1024 })
    controller.abort(new Error('enough'))
    await expect(many).rejects.toThrow('enough')
  })
})
