import type { TarEntrySpec } from '@trainyard/platform/testing'
import fc from 'fast-check'

const name = fc.constantFrom('a', 'b', 'c')
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'))
/** Engines accept all of these spellings. */
const spelt = fc
  .tuple(path, fc.constantFrom('', './', '/', './/', 'x/../'))
  .map(([plain, prefix]) => `${prefix}${plain}`)

const entry: fc.Arbitrary<TarEntrySpec> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ path: spelt, body: fc.string({ maxLength: 8 }) }) },
  { weight: 4, arbitrary: spelt.map((folder) => ({ path: `${folder}/`, type: '5', mode: 0o755 })) },
  { weight: 1, arbitrary: fc.tuple(spelt, path).map(([from, linkName]) => ({ path: from, type: '2', linkName })) },
  { weight: 1, arbitrary: fc.tuple(spelt, spelt).map(([from, linkName]) => ({ path: from, type: '1', linkName })) },
  { weight: 2, arbitrary: path.map((hidden) => ({ path: hidden.replace(/[^/]+$/, '.wh.$&') })) },
  { weight: 1, arbitrary: path.map((folder) => ({ path: `${folder}/.wh..wh..opq` })) },
)

/** The layers of a random image, as entries of their archives. Names are few, so that layers meet. */
export const randomLayers: fc.Arbitrary<TarEntrySpec[][]> = fc.array(fc.array(entry, { minLength: 1, maxLength: 6 }), {
  minLength: 1,
  maxLength: 4,
})
