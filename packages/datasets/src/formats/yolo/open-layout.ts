import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
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
  /** Without names when no file lists the classes. */
  yaml: DataYaml
}

const YAML_NAMES = ['data.yaml', 'data.yml', 'dataset.yaml', 'dataset.yml']

/**
 * The data.yaml of a dataset: one with a usual name, otherwise the only YAML file that lists classes and images. Throws
 * `DatasetError` when there are several: they can name other classes and other images.
 */
async function findDataYaml(dir: string): Promise<string | undefined> {
  const names = (await readdir(dir).catch((): string[] => [])).filter((name) => /\.ya?ml$/i.test(name)).sort()
  const usual = YAML_NAMES.find((name) => names.includes(name))
  if (usual !== undefined) return usual
  const found = new Map<string, string>()
  for (const name of names) {
    const text = await readFile(join(dir, name)).then(
      (bytes) => decodeText(bytes, name),
      () => '',
    )
    if (/^(names|nc)\s*:/m.test(text) && /^(train|val)\s*:/m.test(text) && !found.has(text)) found.set(text, name)
  }
  const [first, ...others] = found.values()
  if (others.length > 0)
    throw new DatasetError(
      `The dataset has several YAML files that list classes and images: ${[first, ...others].join(', ')}; rename the one to use to data.yaml`,
      { reason: 'ambiguous-format' },
    )
  return first
}

/** Finds the images by data.yaml, by the obj.data of darknet, or by folders alone. */
export async function openYoloLayout(dir: string, listing: FileListing, losses: LossCounter): Promise<YoloLayout> {
  const finder = new FileFinder(listing.files)
  countSkipped(listing, losses)
  const yamlName = await findDataYaml(dir)
  if (yamlName !== undefined) {
    const yaml = parseDataYaml(await readText(dir, yamlName), yamlName)
    if (yaml.hasDownload) losses.add('download-ignored', `${yamlName}: download`)
    const images = await imagesOfYaml(dir, yamlName, yaml, finder, losses)
    return { images, finder, yaml: { ...yaml, names: yaml.names ?? (await readClassList(dir, finder, losses)) } }
  }
  const yaml: DataYaml = { splits: {}, keypointNames: new Map(), hasDownload: false }
  const darknet = finder.files.find((file) => posix.basename(file) === 'obj.data')
  if (darknet !== undefined) {
    const { names, splits } = await readDarknet(dir, darknet)
    yaml.splits = splits
    const list = names === undefined ? undefined : finder.find(names, [posix.dirname(darknet), ''])
    if (list !== undefined) yaml.names = toNames(await readText(dir, list.path), list.path, losses)
    return { images: await imagesOfYaml(dir, darknet, yaml, finder, losses), finder, yaml }
  }
  return { images: imagesOfFolders(finder), finder, yaml: { ...yaml, names: await readClassList(dir, finder, losses) } }
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

async function imagesOfYaml(
  dir: string,
  yamlName: string,
  { path = '', splits }: DataYaml,
  finder: FileFinder,
  losses: LossCounter,
): Promise<YoloLayout['images']> {
  const own = posix.dirname(yamlName) === '.' ? '' : posix.dirname(yamlName)
  const root = path === '' ? undefined : finder.find(path, [own, ''])
  const bases = [...new Set([...(root?.isFolder ? [root.path] : []), own, ''])]
  const images: YoloLayout['images'] = []
  const seen = new Set<string>()
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
      const paths = found.isFolder
        ? finder.below(found.path)
        : await imagesOfList(dir, found.path, bases, finder, losses)
      for (const image of paths) {
        const isNew = !seen.has(image)
        seen.add(image)
        if (isLoadableName(image)) {
          if (isNew) images.push({ path: image, split })
          else losses.add('image-duplicate', `${image} is listed more than once`)
        } else if (isNew && /\.(gif|svg)$/i.test(image)) losses.add('image-not-loadable', `${image}: its suffix`)
      }
    }
  }
  return images
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
