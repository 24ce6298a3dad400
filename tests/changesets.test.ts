import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'

const root = join(import.meta.dirname, '..')
const folder = join(root, '.changeset')
const Package = z.object({ name: z.string(), private: z.boolean().default(false) })
const Config = z.object({
  ignore: z.array(z.string()),
  privatePackages: z.object({ version: z.boolean() }).default({ version: false }),
})
const Bump = z.object({ name: z.string(), size: z.enum(['patch', 'minor']) })

const config = Config.parse(JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')))
const packages = readdirSync(join(root, 'packages')).map((name) =>
  Package.parse(JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8'))),
)
/** Those that get a version and a CHANGELOG. */
const versioned = packages
  .filter((each) => (config.privatePackages.version || !each.private) && !config.ignore.includes(each.name))
  .map(({ name }) => name)
const changesets = readdirSync(folder).filter((file) => file.endsWith('.md') && file !== 'README.md')

// A changeset that names another package, or a package without a version beside one with it, ends the release.
test.each(changesets)(
  'the changeset %s names packages that are released, and describes a change before 1.0',
  (file) => {
    const [, head = '', text = ''] = readFileSync(join(folder, file), 'utf8').split(/^---$/m)
    const lines = head.trim().split('\n')
    const bumps = lines.map((line) => Bump.parse(/^(['"]?)(?<name>\S+)\1: (?<size>\w+)$/.exec(line)?.groups))
    const names = bumps.map(({ name }) => name)
    expect(versioned).toEqual(expect.arrayContaining(names))
    expect(text.trim()).not.toBe('')
  },
)
