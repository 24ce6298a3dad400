/**
 * `npm run versions`: turns the waiting changesets into versions and changelogs, and writes the new version wherever a file repeats it.
 */
import { pnpm, run, tool } from './lib/run.ts'

const steps: (() => Promise<{ code: number }>)[] = [
  () => run(tool('changeset'), ['version']),
  () => pnpm(['install', '--lockfile-only', '--silent']),
  () => run(process.execPath, ['--conditions=trainyard-source', 'scripts/docs.ts']),
  // The templates of new trainers name the version that they need.
  () => run(tool('vitest'), ['run', '--project', 'unit', 'packages/cli/src/init', '--update']),
]
for (const step of steps) {
  if ((await step()).code !== 0) throw new Error('not every file has the new version')
}
