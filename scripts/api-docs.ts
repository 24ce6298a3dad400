/**
 * Writes the API pages of the public packages to `docs/api/` (not committed). Fails for an exported name without a description
 * and for a broken link.
 */
import { join } from 'node:path'
import { findBrokenLinks } from './lib/broken-links.ts'
import { ROOT, run } from './lib/run.ts'

const CONFIG_DIR = join(ROOT, 'scripts/api-docs')
const OUT = join(ROOT, 'docs/api')

const { code } = await run(process.execPath, ['node_modules/typedoc/bin/typedoc', '--logLevel', 'Warn'], {
  cwd: CONFIG_DIR,
})
const broken = code === 0 ? await findBrokenLinks(OUT) : []
if (broken.length > 0) console.error(`Broken links:\n${broken.map((link) => `  ${link}`).join('\n')}`)
if (code !== 0 || broken.length > 0) process.exitCode = 1
else console.log('docs/api/index.html is written')
