import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { writeTestDataset } from '@trainyard/testing'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')
const guides = join(root, 'docs/guides')
const cli = [process.execPath, '--conditions=trainyard-source', join(root, 'packages/cli/src/main.ts')]

/** Blocks behind `<!-- run: PROGRAM FILE -->`: they are whole trainers, and are run as such. */
async function readSnippets() {
  const names = (await readdir(guides)).filter((name) => name.endsWith('.md'))
  const texts = await Promise.all(
    names.map(async (name) => ({ name, text: await readFile(join(guides, name), 'utf8') })),
  )
  return texts.flatMap(({ name, text }) =>
    [...text.matchAll(/<!-- run: (\S+) (\S+) -->\s*```\w+\n([\s\S]*?)```/g)].map(
      ([, program = '', file = '', code = '']) => ({ name, program, file, code }),
    ),
  )
}

const snippets = await readSnippets()

test('the guides have snippets to run', () => {
  expect(snippets.map(({ name }) => name).sort()).toEqual(['any-language.md', 'write-a-trainer.md'])
})

for (const { name, program, file, code } of snippets) {
  const isMissing = spawnSync(program, ['--version']).status !== 0
  if (isMissing) console.warn(`skipped: ${program} is not installed, and ${name} needs it`)
  test.skipIf(isMissing)(`the trainer of ${name} trains as it stands there`, async () => {
    const dir = await mkdtemp(join(tmpdir(), 'trainyard-snippet-'))
    try {
      const data = await writeTestDataset(join(dir, 'data'))
      await writeFile(join(dir, file), code)
      await symlink(join(root, 'node_modules'), join(dir, 'node_modules'))
      await writeFile(join(dir, 'package.json'), '{"type":"module"}')
      const manifest = JSON.parse(await readFile(join(root, 'examples/minimal-trainer/trainer.json'), 'utf8'))
      await writeFile(join(dir, 'trainer.json'), JSON.stringify(manifest))
      const args = ['train', '--dataset', data, '--epochs', '2']
      const [command = '', ...rest] =
        program === 'node'
          ? [process.execPath, '--conditions=trainyard-source', file, ...args]
          : [...cli, 'exec', ...args, '--', program, file]
      const { stdout } = await promisify(execFile)(command, rest, { cwd: dir })
      expect(stdout).toContain('epoch 2/2')
      expect(await readdir(join(dir, 'runs/1'))).toContain('best.json')
    } finally {
      await rm(dir, { recursive: true, force: true })
    }
  })
}
