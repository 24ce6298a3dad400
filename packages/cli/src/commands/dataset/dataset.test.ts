import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { plainPng, temporaryFolder } from '@trainyard/datasets/testing'
import { decode } from 'fast-png'
import { expect, test } from 'vitest'
import { renderTable } from '../../terminal/table.ts'
import { type RunOptions, runCommand } from '../../testing/run-command.ts'

const run = (args: string[], options: RunOptions = {}) => runCommand(['dataset', ...args], options)

/** A COCO dataset of ten images and two classes. `bbox` is the box of one object. */
function cocoFolder(bbox = [10, 10, 20, 20]) {
  const ids = Array.from({ length: 10 }, (_, id) => id)
  return temporaryFolder({
    'data/annotations.json': JSON.stringify({
      images: ids.map((id) => ({ id, file_name: `${id}.png`, width: 40, height: 30 })),
      categories: [
        { id: 1, name: 'cat' },
        { id: 2, name: '강아지' },
      ],
      annotations: ids.map((id) => ({
        id,
        image_id: id,
        category_id: 1 + (id % 2),
        bbox: id === 3 ? bbox : [1, 2, 3, 4],
        area: 12,
        iscrowd: 0,
      })),
    }),
    ...Object.fromEntries(ids.map((id) => [`data/${id}.png`, plainPng(40, 30, [id, 120, 150])])),
  })
}

test.each(['convert', 'split', 'validate', 'stats', 'report', 'show', 'filter', 'remap', 'sample'])(
  '%s has help with examples and exit codes',
  async (name) => {
    for (const args of [
      [name, '--help'],
      [name, 'somewhere', '-h'],
    ]) {
      const { code, out } = await run(args)
      expect(code).toBe(0)
      expect(out).toContain(`Usage: trainyard dataset ${name} SRC`)
      expect(out).toContain('Examples:')
      expect(out).toContain('Exit codes:\n  0 ')
    }
    expect((await run(['--help'])).out).toContain(name)
  },
)

test.each([
  [
    [],
    'missing command; expected one of convert, split, validate, stats, report, show, diff, filter, remap, sample, merge',
  ],
  [['constructor'], 'unknown command "constructor"'],
  [['convert'], 'missing argument SRC: Folder of the dataset'],
  [['convert', 'a'], 'missing argument DST: A new folder'],
  [['convert', 'a', 'b'], 'no format: use --to FORMAT'],
  [['convert', 'a', 'b', '--to', 'tfrecord'], '--to is "tfrecord": expected dice, coco'],
  [['convert', 'a', 'b', '--to', 'coco', '--decimals', '0'], '--decimals is "0": expected a whole number from 1 to 15'],
  [['convert', 'a', 'b', '--to', 'coco', '--crowd', 'maybe'], '--crowd is "maybe": expected keep or skip'],
  [['split', 'a', '--ratios', '7,2,1'], '--ratios is "7,2,1": expected shares that add up to 1'],
  [['split', 'a', '--group-by', 're:('], '--group-by is "re:(": Invalid regular expression'],
  [['split', 'a', '--to', 'coco'], '--to requires the argument DST'],
  [['validate', 'a', 'b'], 'expected 1 argument, got 2'],
  [['show', 'a', 'sheet.jpg'], 'expected the name of a PNG file'],
  [['show', 'a', '--frobnicate'], 'unknown option "--frobnicate"'],
  [['report', 'a', 'page.pdf'], 'expected the name of an HTML file'],
  [['filter', 'a', 'b'], 'nothing to filter by: use --class, --split'],
  [['filter', 'a', 'b', '--attribute', 'occluded'], '--attribute is "occluded": expected NAME=VALUE'],
  [['remap', 'a', 'b'], 'no class to rename: use --map OLD=NEW or --map-file FILE'],
  [['remap', 'a', 'b', '--map', '=x'], '--map is "=x": expected OLD=NEW'],
  [['sample', 'a', 'b', '0'], 'COUNT is "0": expected a whole number from 1'],
  [['merge', 'a', 'b'], 'expected at least two datasets and the folder to write, got 2 paths'],
  [['diff', 'a'], 'missing argument NEW'],
])('wrong usage exits with 2 and names the mistake: %j', async (args, message) => {
  const { code, out, err } = await run(args)
  expect({ code, out }).toEqual({ code: 2, out: '' })
  expect(err).toContain(message)
  expect(err).toContain('Usage: trainyard dataset')
})

test('convert writes the dataset and prints a report in tables', async () => {
  using folder = cocoFolder()
  const { code, out, err } = await run(['convert', 'data', 'out', '--to', 'voc'], { cwd: folder.dir })
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out).toContain('written: coco to voc, detection, 10 images, 10 annotations, in')
  expect(out).toMatch(/split +images +annotations\n/)
  expect(out).toMatch(/ 1 {2}강아지 +5\n/)
  expect(out).toMatch(/lost or changed +count +example\n/)
  expect(existsSync(join(folder.dir, 'out/Annotations/0.xml'))).toBe(true)
  expect((await run(['convert', 'data', 'out', '--to', 'voc'], { cwd: folder.dir })).out).toContain(
    'unchanged: coco to voc',
  )
})

test('convert --strict exits with 1 for a loss, writes nothing and reports the losses', async () => {
  using folder = cocoFolder([30, 20, 100, 100])
  const text = await run(['convert', 'data', 'out', '--to', 'voc', '--strict'], { cwd: folder.dir })
  expect(text.code).toBe(1)
  expect(text.out).toMatch(/box-clipped +1 +3\.png/)
  const json = await run(['convert', 'data', 'out', '--to', 'voc', '--strict', '--json'], { cwd: folder.dir })
  expect(json.code).toBe(1)
  expect(JSON.parse(json.out)).toMatchObject({
    images: 10,
    losses: expect.arrayContaining([expect.objectContaining({ reason: 'box-clipped', count: 1 })]),
  })
  expect(existsSync(join(folder.dir, 'out'))).toBe(false)
})

test('a dataset that cannot be read exits with 3, in text and as JSON', async () => {
  using folder = temporaryFolder({ 'data/notes.txt': 'nothing' })
  const text = await run(['convert', 'data', 'out', '--to', 'voc'], { cwd: folder.dir })
  expect(text).toMatchObject({
    code: 3,
    out: '',
    err: expect.stringContaining('trainyard dataset convert: The format of'),
  })
  const json = await run(['validate', 'data', '--json'], { cwd: folder.dir })
  expect(json).toMatchObject({ code: 3, err: '' })
  expect(JSON.parse(json.out)).toMatchObject({ error: { message: expect.stringContaining('is unknown') } })
})

test('progress is one line that is redrawn on a terminal', async () => {
  using folder = cocoFolder()
  const { err } = await run(['convert', 'data', 'out', '--to', 'voc'], { cwd: folder.dir, isTTY: true })
  expect(err).toContain('\r\u001b[2KConverting: 10 images')
  expect(err.endsWith('\r\u001b[2K')).toBe(true)
})

test('split shows the splits, and writes them if there is a target', async () => {
  using folder = cocoFolder()
  const shown = await run(['split', 'data', '--stratify'], { cwd: folder.dir })
  expect(shown.code).toBe(0)
  expect(shown.out).toMatch(/train +7 {2}70\.0 %/)
  const json = JSON.parse((await run(['split', 'data', '--json'], { cwd: folder.dir })).out)
  expect(Object.values(json.splits).filter((split) => split === 'val')).toHaveLength(2)
  expect(json.images).toEqual({ train: 7, val: 2, test: 1 })
  const written = await run(['split', 'data', 'out', '--to', 'yolo', '--json'], { cwd: folder.dir })
  expect(JSON.parse(written.out)).toMatchObject({
    from: 'coco',
    to: 'yolo',
    splits: { train: { images: 7 }, val: { images: 2 }, test: { images: 1 } },
  })
})

test('split keeps the splits of an earlier run, and names a file that holds none', async () => {
  using folder = cocoFolder()
  const split = (...args: string[]) => run(['split', 'data', ...args, '--json'], { cwd: folder.dir })
  const first = (await split('--seed', 'a')).out
  folder.write('splits.json', first)
  folder.write('other.json', '{}')
  const again = JSON.parse((await split('--seed', 'b', '--previous', 'splits.json')).out)
  expect(again).toMatchObject({ kept: 10, assigned: 0, splits: JSON.parse(first).splits })
  expect((await split('--previous', 'other.json')).err).toContain(
    '--previous other.json holds no splits; expected the JSON',
  )
  expect((await split('--previous', 'none.json')).err).toContain('--previous none.json cannot be read')
})

test('split keeps the splits that it wrote into a folder with the same choices', async () => {
  using folder = cocoFolder()
  const split = async (...args: string[]) =>
    (await run(['split', 'data', 'out', '--to', 'yolo', ...args], { cwd: folder.dir })).out.split('\n', 1)[0]
  expect(await split()).toBe('0 images keep their split, 10 get one')
  expect(await split()).toBe('10 images keep their split, 0 get one')
  expect(await split('--seed', 'b')).toBe('0 images keep their split, 10 get one')
  // Those of the first seed are not lost.
  expect(await split()).toBe('10 images keep their split, 0 get one')
  expect(await split('--group-by', 're:^(\\d)')).toBe('0 images keep their split, 10 get one')
  expect(await split('--group-by', 're:^\\d(.)')).toBe('0 images keep their split, 10 get one')
  expect(await split('--no-record')).toBe('0 images keep their split, 10 get one')
})

test('split refuses a group that matches no image, and says which images have the same bytes', async () => {
  using folder = cocoFolder()
  const refused = await run(['split', 'data', '--group-by', 're:^vidoe'], { cwd: folder.dir })
  expect(refused).toMatchObject({ code: 3 })
  expect(refused.err).toContain('matches none of the 10 images')
  folder.write('data/1.png', plainPng(40, 30, [0, 120, 150]))
  const { out } = await run(['split', 'data'], { cwd: folder.dir })
  expect(out).toContain('2 images have the same bytes as another one, such as 0.png, and stay together')
})

test('validate exits with 1 for errors, and for warnings with --strict', async () => {
  using folder = cocoFolder([30, 20, 100, 100])
  const warned = await run(['validate', 'data'], { cwd: folder.dir })
  expect(warned.code).toBe(0)
  expect(warned.out).toContain('warning box-outside: Boxes extend beyond their image (1)')
  expect((await run(['validate', 'data', '--strict'], { cwd: folder.dir })).code).toBe(1)
  folder.write('data/5.png', plainPng(30, 40))
  const wrong = await run(['validate', 'data', '--json'], { cwd: folder.dir })
  expect(wrong.code).toBe(1)
  expect(JSON.parse(wrong.out).findings).toContainEqual(
    expect.objectContaining({ code: 'size-mismatch', severity: 'error', count: 1 }),
  )
})

test('show draws the same sheet every time', async () => {
  using folder = cocoFolder()
  const { code, out } = await run(['show', 'data', '--count', '4'], { cwd: folder.dir })
  expect(code).toBe(0)
  expect(out).toMatch(/4 images on .*data-sheet\.png \(\d+ x \d+\)/)
  const first = readFileSync(join(folder.dir, 'data-sheet.png'))
  await run(['show', 'data', 'again.png', '--count', '4'], { cwd: folder.dir })
  expect(readFileSync(join(folder.dir, 'again.png'))).toEqual(first)
  expect(decode(first).width).toBe(510)
  const missing = await run(['show', 'data', '--class', 'dog'], { cwd: folder.dir })
  expect(missing).toMatchObject({
    code: 3,
    err: expect.stringContaining('There is no class "dog"; expected one of "cat", "강아지"'),
  })
})

test('tables align wide letters and remove control characters', () => {
  expect(
    renderTable([
      ['name', 'count'],
      ['강아지', 1234],
      ['a\u001b[2J\nb', 5],
    ]),
  ).toEqual(['name    count', '강아지  1,234', 'a[2J b      5'])
})

test('stats shows distributions after the counts, and everything as JSON', async () => {
  using folder = cocoFolder()
  const { code, out } = await run(['stats', 'data'], { cwd: folder.dir })
  expect(code).toBe(0)
  expect(out).toMatch(/objects on an image +images\n1 +10 {2}#+\n/)
  expect(out).toMatch(/40 x 30 +10\n/)
  const json = JSON.parse((await run(['stats', 'data', '--json'], { cwd: folder.dir })).out)
  expect(json.statistics.boxCentres).toHaveLength(256)
  expect(json.classes).toHaveLength(2)
})

test('report writes a page', async () => {
  using folder = cocoFolder()
  const { code, out } = await run(['report', 'data', '--pictures', '2'], { cwd: folder.dir })
  expect({ code, out }).toEqual({ code: 0, out: expect.stringMatching(/10 images in .*data-report\.html/) })
  expect(readFileSync(join(folder.dir, 'data-report.html'), 'utf8')).toContain('강아지')
})

test('filter, remap, sample and merge write a dataset, and diff says what changed', async () => {
  using folder = cocoFolder()
  const write = (...args: string[]) => run([...args, '--json'], { cwd: folder.dir }).then(({ out }) => JSON.parse(out))
  expect(await write('filter', 'data', 'cats', '--class', 'cat')).toMatchObject({
    to: 'coco',
    images: 5,
    annotations: 5,
  })
  expect(await write('remap', 'data', 'dogs', '--map', '강아지=dog')).toMatchObject({
    classes: [{ name: 'cat' }, { name: 'dog' }],
  })
  expect(await write('sample', 'data', 'three', '3')).toMatchObject({ images: 3 })
  // Every image of the first is in the second too.
  expect(await write('merge', 'cats', 'dogs', 'all', '--to', 'yolo')).toMatchObject({ to: 'yolo', images: 10 })

  const same = await run(['diff', 'data', 'data'], { cwd: folder.dir })
  expect(same).toMatchObject({ code: 0, out: 'no difference in 10 images\n' })
  const { code, out } = await run(['diff', 'data', 'dogs'], { cwd: folder.dir })
  expect(code).toBe(1)
  expect(out).toContain('classes renamed\n    강아지 -> dog (5 objects)')
})

test('a file of new names that holds something else is named', async () => {
  using folder = cocoFolder()
  folder.write('names.json', '["a"]')
  const { code, err } = await run(['remap', 'data', 'out', '--map-file', 'names.json'], { cwd: folder.dir })
  expect(code).toBe(2)
  expect(err).toContain('--map-file names.json holds something else; expected a JSON object of old and new names')
})

test('commands name the folder that they entered', async () => {
  using folder = temporaryFolder({
    'zip/birds/data.yaml': 'train: images\nval: images\nnames: [bird]\n',
    'zip/birds/images/1.png': plainPng(40, 30),
    'zip/birds/labels/1.txt': '0 0.5 0.5 0.2 0.2\n',
  })
  for (const name of ['validate', 'stats']) {
    const { err } = await run([name, 'zip'], { cwd: folder.dir })
    expect(err).toContain('the dataset is in zip/birds, the only folder of zip\n')
  }
  expect((await run(['validate', 'zip/birds'], { cwd: folder.dir })).err).not.toContain('the dataset is in')
})
