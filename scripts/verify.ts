/** `npm run verify`: everything that can be said about the code without running it. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { formatDuration } from '@trainyard/contract/format'
import { PACKS_DIR } from './lib/packages.ts'
import { run, tool } from './lib/run.ts'

type Step = readonly [title: string, command: string, args: readonly string[]]

const node = (script: string, ...args: string[]): [string, string[]] => [
  process.execPath,
  ['--conditions=trainyard-source', script, ...args],
]

async function steps(): Promise<Step[]> {
  return [
    ['types', tool('tsc'), ['-p', '.']],
    ['lint and format', tool('biome'), ['ci', '--error-on-warnings', '.']],
    ['plain English', ...node('scripts/plain-english.ts')],
    ['import arrows and literals', tool('vitest'), ['run', '--project', 'unit', 'tests/arrows', 'tests/literals']],
    ['unused files, exports and dependencies', tool('knip'), ['--no-config-hints']],
    ['files and exports that only tests use', tool('knip'), ['--production', '--no-config-hints']],
    ['licences of dependencies', ...node('scripts/licences.ts')],
    ['generated docs are current', ...node('scripts/docs.ts', '--check')],
    ['API pages', ...node('scripts/api-docs.ts')],
    ['build and pack', ...node('scripts/build.ts')],
  ]
}

async function packSteps(): Promise<Step[]> {
  const packs = (await readdir(PACKS_DIR)).filter((file) => file.endsWith('.tgz')).map((file) => join(PACKS_DIR, file))
  return packs.flatMap((pack): Step[] => [
    [`publint ${pack.split('/').at(-1)}`, tool('publint'), ['run', '--strict', pack]],
    [`attw ${pack.split('/').at(-1)}`, tool('attw'), ['--profile', 'esm-only', pack]],
  ])
}

const failed: string[] = []
async function perform(list: readonly Step[]): Promise<void> {
  for (const [title, command, args] of list) {
    const started = performance.now()
    const { code, output } = await run(command, args, { capture: true })
    const time = formatDuration(performance.now() - started)
    console.log(`${code === 0 ? 'ok  ' : 'FAIL'} ${title} (${time})`)
    if (code !== 0) {
      console.log(output)
      failed.push(title)
    }
  }
}

await perform(await steps())
if (failed.length === 0) await perform(await packSteps())
if (failed.length > 0) {
  console.log(`\nFailed: ${failed.join(', ')}`)
  process.exitCode = 1
}
