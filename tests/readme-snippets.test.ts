import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { convertDataset } from '@trainyard/datasets'
import { writeTestDataset } from '@trainyard/testing'
import { expect, test } from 'vitest'
import { readSnippets } from './snippets/read-snippets.ts'

const root = join(import.meta.dirname, '..')
const snippets = await readSnippets(root)

test('every README with code is read', () => {
  const sources = new Set(snippets.map(({ source }) => source))
  expect([...sources]).toEqual(expect.arrayContaining(['README.md', 'packages/sdk/README.md', 'docs/datasets.md']))
})

test('the snippets of the documents fit the packages as they are', async () => {
  await mkdir(join(root, '.trainyard'), { recursive: true })
  const dir = await mkdtemp(join(root, '.trainyard/snippets-'))
  try {
    await mkdir(join(dir, 'src'))
    for (const [number, { source, code }] of snippets.entries()) {
      await writeFile(join(dir, 'src', `${source.replaceAll(/\W/g, '-')}-${number}.ts`), `${code}\nexport {}\n`)
    }
    await cp(join(root, 'tests/snippets/globals.d.ts'), join(dir, 'src/globals.d.ts'))
    // Trainers take the types of their settings from it, in one document that of "momentum".
    const manifest = JSON.parse(await readFile(join(root, 'examples/minimal-trainer/trainer.json'), 'utf8'))
    manifest.config.schema.properties.momentum = { type: 'number', default: 0.9, 'x-advanced': true }
    await writeFile(join(dir, 'trainer.json'), JSON.stringify(manifest))
    const config = { extends: '../../tsconfig.json', include: ['src'], exclude: [] }
    await writeFile(join(dir, 'tsconfig.json'), JSON.stringify(config))
    const tsc = join(root, 'node_modules/.bin/tsc')
    const problems = await promisify(execFile)(tsc, ['-p', dir]).then(
      () => '',
      (error: { stdout: string }) => error.stdout,
    )
    expect(problems).toBe('')
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
})

interface Runnable {
  source: string
  args?: (dir: string) => Promise<string[]>
  prepare?: (dir: string) => Promise<void>
  check: (output: string, dir: string) => Promise<void> | void
}

/** Those that need no server: run as they stand there. */
const runnables: Runnable[] = [
  ...['README.md', 'packages/sdk/README.md', 'packages/sdk/src/index.ts'].map(
    (source): Runnable => ({
      source,
      args: async (dir) => ['train', '--dataset', await writeTestDataset(join(dir, 'data')), '--epochs', '2'],
      prepare: (dir) => cp(join(root, 'examples/minimal-trainer/trainer.json'), join(dir, 'trainer.json')),
      async check(output, dir) {
        expect(output).toContain('epoch 2/2')
        expect(await readdir(join(dir, 'runs/1'))).toContain('best.bin')
      },
    }),
  ),
  ...['docs/datasets.md', 'packages/datasets/src/index.ts'].map(
    (source): Runnable => ({
      source,
      prepare: async (dir) => {
        await mkdir(join(dir, 'flat/images'), { recursive: true })
        await mkdir(join(dir, 'flat/annotations'), { recursive: true })
        const file = {
          images: [{ id: 1, file_name: 'a.jpg', width: 10, height: 10 }],
          annotations: [{ id: 1, image_id: 1, category_id: 1, bbox: [1, 1, 4, 4], segmentation: [[1, 1, 5, 1, 5, 5]] }],
          categories: [{ id: 1, name: 'thing' }],
        }
        await writeFile(join(dir, 'flat/annotations/instances_train.json'), JSON.stringify(file))
        const options = { source: join(dir, 'flat'), target: join(dir, 'coco') } as const
        await convertDataset({ ...options, to: 'coco', images: 'none' })
      },
      check: async (_, dir) => expect(await readdir(join(dir, 'coco-yolo'))).toContain('data.yaml'),
    }),
  ),
  {
    source: 'packages/validator/README.md',
    prepare: (dir) => cp(join(root, 'examples/minimal-trainer'), join(dir, 'my-trainer'), { recursive: true }),
    check: (output) => expect(output).toMatch(/passed|failed/),
  },
]

for (const { source, args, prepare, check } of runnables) {
  test(`the snippet of ${source} runs`, async () => {
    const snippet = snippets.find((each) => each.source === source)
    expect(snippet).toBeDefined()
    const dir = await mkdtemp(join(tmpdir(), 'trainyard-readme-'))
    try {
      await prepare?.(dir)
      await writeFile(join(dir, 'package.json'), '{"type":"module"}')
      await writeFile(join(dir, 'main.ts'), snippet?.code ?? '')
      await symlink(join(root, 'node_modules'), join(dir, 'node_modules'))
      const prelude = ['--import', join(root, 'tests/snippets/prelude.ts')]
      const command = ['--conditions=trainyard-source', ...prelude, 'main.ts', ...((await args?.(dir)) ?? [])]
      const { stdout } = await promisify(execFile)(process.execPath, command, { cwd: dir })
      await check(stdout, dir)
    } finally {
      await rm(dir, { recursive: true, force: true })
    }
  })
}
