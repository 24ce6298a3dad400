import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

function dependenciesOf(name: string): string[] {
  const file = join(import.meta.dirname, '../packages', name, 'package.json')
  return Object.keys((JSON.parse(readFileSync(file, 'utf8')) as { dependencies: Record<string, string> }).dependencies)
}

/** What a server does not load of the private package. */
const NOT_LOADED: Readonly<Record<string, readonly string[]>> = { runner: [], registry: ['yauzl'] }

test.each(['runner', 'registry'])('the packed %s depends on the libraries of the package that it bundles', (server) => {
  const own = new Set([...dependenciesOf(server), ...(NOT_LOADED[server] ?? [])])
  expect(dependenciesOf('platform').filter((library) => !own.has(library))).toEqual([])
})
