/**
 * `node scripts/licences.ts`: fails when a dependency, direct or not, has a licence that was not accepted. Part of
 * `npm run verify`. Licences are those that the packages declare themselves.
 */
import { z } from 'zod'
import { pnpm } from './lib/run.ts'

/** Permissive licences, accepted for every package. */
const ACCEPTED = new Set([
  '0BSD',
  'Apache-2.0',
  'Apache-2.0 AND MIT',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'ISC',
  'MIT',
  'MIT-0',
  'MIT OR Apache-2.0',
  'Unlicense',
])

/** Other licences, accepted for single packages. None of their code is in what we publish. */
const ACCEPTED_FOR: Readonly<Record<string, readonly RegExp[]>> = {
  // A shared library that the optional peer `sharp` loads.
  'LGPL-3.0-or-later': [/^@img\/sharp-libvips-/],
  // Tools of the tests and of the build.
  'MPL-2.0': [/^axe-core$/, /^lightningcss/],
  // Lists of data and a parser without conditions beyond attribution.
  'CC-BY-3.0': [/^spdx-exceptions$/],
  'CC-BY-4.0': [/^caniuse-lite$/],
  'PSF-2.0': [/^argparse$/],
  'Python-2.0': [/^argparse$/],
  // Its text is the Unlicense; its package.json has no field for it.
  Unknown: [/^unionfs$/],
}

const Packages = z.record(z.string(), z.array(z.looseObject({ name: z.string(), versions: z.array(z.string()) })))

const { code, output } = await pnpm(['--recursive', 'licenses', 'list', '--json'], { capture: true })
if (code !== 0) throw new Error(`pnpm licenses list failed:\n${output}`)
const byLicence = Packages.parse(JSON.parse(output))

const refused = Object.entries(byLicence).flatMap(([licence, packages]) =>
  ACCEPTED.has(licence)
    ? []
    : packages
        .filter(({ name }) => !ACCEPTED_FOR[licence]?.some((pattern) => pattern.test(name)))
        .map(({ name, versions }) => `${name}@${versions.join(', ')}: ${licence}`),
)
for (const line of refused) console.error(line)
if (refused.length > 0) {
  console.error('Replace these packages, or accept their licence in scripts/licences.ts with the reason.')
  process.exitCode = 1
}
