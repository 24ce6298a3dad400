import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT, run } from './run.ts'

/** Folders of the trainers that are built from source. */
export const buildableTrainers = (): string[] =>
  readdirSync(join(ROOT, 'trainers'))
    .map((name) => join(ROOT, 'trainers', name))
    .filter((dir) => existsSync(join(dir, 'build.ts')))

/** Builds one trainer into its `dist`, so that its folder can be published or made an image. */
export async function buildTrainer(dir: string): Promise<void> {
  const { code, output } = await run(process.execPath, ['--conditions=trainyard-source', 'build.ts'], {
    cwd: dir,
    capture: true,
  })
  if (code !== 0) throw new Error(`building ${dir} failed:\n${output}`)
}
