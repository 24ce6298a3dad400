import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join, posix } from 'node:path'
import type { SplitName } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { countSkipped } from '../../files/count-skipped.ts'
import type { FileListing } from '../../files/list-files.ts'
import { decodeText, readText, toLines } from '../../files/read-text.ts'
import type { LossCounter } from '../../report/loss-counter.ts'
import { findSplitOfFolder } from '../../splits/split-folder.ts'
import { readClassList, toNames } from './class-lists.ts'
import { FileFinder, isLoadableName, labelPathOf } from './layout.ts'
import { type DataYaml, parseDataYaml } from './parse-data-yaml.ts'

/** The images of a dataset with their splits, and its description. Paths are relative to the dataset. */
export interface YoloLayout {
  images: { path: string; split: SplitName | undefined }[]
  finder: FileFinder
  /** Files that list images. */
  lists: ReadonlySet<string>
  /** Without names when no file lists the classes. */
  yaml: DataYaml
}

const YAML_NAMES = ['data.yaml', 'data.yml', 'dataset.yaml', 'dataset.yml']

/**
 * The data.yaml of a dataset: one with a usual name, otherwise the only YAML file that lists classes and images. Throws
 * `DatasetError` when there are several: they can name other classes and other images.
 */
async function findDataYaml(dir: string, files: readonly string[]): Promise<string | undefined> {
  const all = files.filter((name) => /\.ya?ml$/i.test(name))
  const usual = YAML_NAMES.find((name) => all.includes(name))
  if (usual !== undefined) return usual
  // Some tools put it into a folder of its own. Deeper ones are those of other datasets and of tools.
  const atTop = all.filter((name) => !name.includes('/'))
  const names = atTop.length > 0 ? atTop : all.filter((name) => name.split('/').length === 2)
  const found = new Map<string, string>()
  for (const name of names) {
    const text = await readFile(join(dir, name)).then(
      (bytes) => decodeText(bytes, name),
      () => '',
    )
    if (/^(names|nc)\s*:/m.test(text) && /^(train|val)\s*:/m.test(text)) {
      // Of two files with one text at the top it does not matter which is read; in two folders they are two datasets.
      const key = name.includes('/') ? name : text
      if (!found.has(key)) found.set(key, name)
    }
  }
  const [first, ...others] = found.values()
  if (others.length > 0)
    throw new DatasetError(
      `The dataset has several YAML files that list classes and images: ${[first, ...others].join(', ')}; rename the one to use to data.yaml, or give its folder`,
      { reason: 'ambiguous-format' },
    )
  return first
}

/** Finds the images by data.yaml, by the obj.data of darknet, or by folders alone. */
export async function openYoloLayout(dir: string, listing: FileListing, losses: LossCounter): Promise<YoloLayout> {
  const finder = new FileFinder(listing.files)
  const lists = new Set<string>()
  countSkipped(listing, losses)
  const yamlName = await findDataYaml(dir, listing.files)
  if (yamlName !== undefined) {
    const yaml = parseDataYaml(await readText(dir, yamlName), yamlName)
    if (yaml.hasDownload) losses.add('download-ignored', `${yamlName}: download`)
    const images = await imagesOfYaml({ dir, yamlName, yaml, finder, lists }, losses)
    return { images, finder, lists, yaml: { ...yaml, names: yaml.names ?? (await readClassList(dir, finder, losses)) } }
  }
  const yaml: DataYaml = { splits: {}, keypointNames: new Map(), hasDownload: false }
  const darknet = finder.files.find((file) => posix.basename(file) === 'obj.data')
  if (darknet !== undefined) {
    const { names, splits } = await readDarknet(dir, darknet)
    yaml.splits = splits
    const list = names === undefined ? undefined : finder.find(names, [posix.dirname(darknet), ''])
    if (list !== undefined) yaml.names = toNames(await readText(dir, list.path), list.path, losses)
    const images = await imagesOfYaml({ dir, yamlName: darknet, yaml, finder, lists }, losses)
    return { images, finder, lists, yaml }
  }
  return {
    images: imagesOfFolders(finder),
    finder,
    lists,
    yaml: { ...yaml, names: await readClassList(dir, finder, losses) },
  }
}

/** `names = data/obj.names`, `train = data/train.txt`, `valid = …`. */
async function readDarknet(
  dir: string,
  path: string,
): Promise<{ names: string | undefined; splits: DataYaml['splits'] }> {
  const splits: DataYaml['splits'] = {}
  let names: string | undefined
  for (const line of toLines(await readText(dir, path))) {
    const [key = '', ...rest] = line.split('=')
    const value = rest.join('=').trim()
    const split = findSplitOfFolder(key.trim())
    if (split !== undefined && value !== '') splits[split] = [value]
    if (key.trim() === 'names' && value !== '') names = value
  }
  return { splits, names }
}

interface YamlSource {
  dir: string
  yamlName: string
  yaml: DataYaml
  finder: FileFinder
  /** Gets the files that list images. */
  lists: Set<string>
}

async function imagesOfYaml(source: YamlSource, losses: LossCounter): Promise<YoloLayout['images']> {
  const { dir, yamlName, yaml, finder, lists } = source
  const { path = '', splits } = yaml
  const own = posix.dirname(yamlName) === '.' ? '' : posix.dirname(yamlName)
  const root = path === '' ? undefined : finder.find(path, [own, ''])
  const bases = [...new Set([...(root?.isFolder ? [root.path] : []), own, ''])]
  const images = new Images(losses)
  for (const split of ['train', 'val', 'test'] as const) {
    for (const entry of splits[split] ?? []) {
      const found = finder.find(entry, bases)
      if (found === undefined) {
        // The listing has files only, so an empty folder is not in it.
        const isEmpty = bases.some((base) => !entry.includes('..') && existsSync(join(dir, base, entry)))
        if (!isEmpty && split === 'train') {
          throw new DatasetError(
            `${yamlName}: ${split} is ${JSON.stringify(entry)}; expected a folder or list of the dataset`,
          )
        }
        if (!isEmpty) losses.add('split-missing', `${yamlName}: ${split} is ${JSON.stringify(entry)}`)
        continue
      }
      if (!found.isFolder) lists.add(found.path)
      const paths = found.isFolder
        ? finder.below(found.path)
        : await imagesOfList(dir, found.path, bases, finder, losses)
      for (const image of paths) if (isLoadableName(image)) images.add({ path: image, split, place: found.path })
    }
  }
  return images.list()
}

/** Images with the split that must not leak: test before val before train. */
class Images {
  readonly #images = new Map<string, { path: string; split: SplitName; place: string }>()
  readonly #losses: LossCounter

  constructor(losses: LossCounter) {
    this.#losses = losses
  }

  /** `place` is the folder or list that has the image. */
  add(image: { path: string; split: SplitName; place: string }): void {
    const known = this.#images.get(image.path)
    if (known === undefined) this.#images.set(image.path, image)
    else if (known.split === image.split) this.#losses.add('image-duplicate', `${image.path} is listed more than once`)
    else {
      // One folder for both is meant so: without it nothing would be left to train on.
      const kept = known.place === image.place ? known.split : image.split
      this.#losses.add(
        'image-in-several-splits',
        `${image.path} is in ${known.split} and ${image.split}; read in ${kept}`,
      )
      this.#images.set(image.path, { path: image.path, split: kept, place: known.place })
    }
  }

  list(): YoloLayout['images'] {
    return [...this.#images.values()].map(({ path, split }) => ({ path, split }))
  }
}

/** `./` is relative to the list; other paths are relative to the dataset, or to the list if they match nothing else. */
async function imagesOfList(
  dir: string,
  list: string,
  bases: readonly string[],
  finder: FileFinder,
  losses: LossCounter,
): Promise<string[]> {
  if (isLoadableName(list)) return [list]
  const folder = posix.dirname(list) === '.' ? '' : posix.dirname(list)
  const paths: string[] = []
  for (const line of toLines(await readText(dir, list))) {
    const found = finder.find(line, line.startsWith('./') ? [folder, ...bases] : [...bases, folder])
    if (found === undefined || found.isFolder) losses.add('image-missing-file', `${list}: ${line.slice(0, 200)}`)
    else {
      if (found.isOtherCase) losses.add('file-name-case', `${list}: ${line} is ${found.path}`)
      paths.push(found.path)
    }
  }
  return paths
}

/** Every image with a label, or in an `images` folder such as `images/train`, `train/images` or `images`. */
function imagesOfFolders(finder: FileFinder): YoloLayout['images'] {
  const images: YoloLayout['images'] = []
  for (const path of finder.files) {
    if (!isLoadableName(path)) continue
    const folders = path.split('/').slice(0, -1)
    if (!folders.includes('images') && !finder.has(labelPathOf(path))) continue
    images.push({ path, split: folders.map(findSplitOfFolder).find((split) => split !== undefined) })
  }
  return images
}
