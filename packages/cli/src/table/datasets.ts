import { defineCommand, defineGroup } from '../command-line/command.ts'
import {
  argument,
  argumentList,
  choice,
  flag,
  number,
  option,
  optionalArgument,
  parseNumber,
  repeatable,
} from '../command-line/values.ts'
import { SOURCE_FORMATS, SPLIT_NAMES, TARGET_FORMATS, TASK_ALIASES, TASK_TYPES } from './choices.ts'
import { groupBy, ratios } from './parsers.ts'
import { serverOptions } from './server-options.ts'

const push = defineCommand({
  summary: 'Upload a folder or an archive',
  description:
    'Uploads a dataset: a folder in any of the supported formats, or a tar, tar.gz or zip of one. The same content ' +
    'under the same name returns the existing dataset. With --to, it becomes the next version of a dataset: ' +
    'jobs name one as ID@NUMBER, and the latest one as ID.',
  arguments: {
    path: argument('PATH', { description: 'Folder or archive of the dataset', completion: { kind: 'file' } }),
  },
  options: {
    project: option({ placeholder: 'NAME', description: '"organisation/project"', fallback: 'your first one' }),
    name: option({
      placeholder: 'NAME',
      description: 'Name of the dataset',
      fallback: 'the name of the folder or archive',
    }),
    to: option({
      placeholder: 'ID',
      description: 'Add a version to the dataset with this id',
      fallback: 'a dataset of its own',
    }),
    message: option({ placeholder: 'TEXT', description: 'What changed with the version' }),
    task: choice(TASK_TYPES, {
      placeholder: 'TASK',
      description: 'Task of the dataset',
      fallback: 'what the files are for',
      aliases: TASK_ALIASES,
    }),
    strict: flag('Refuse a dataset of which anything would be left out or changed'),
    ...serverOptions,
  },
  examples: [
    'trainyard datasets push ./flowers',
    'trainyard datasets push ./flowers --strict',
    'trainyard datasets push ./flowers.zip --name flowers-2026 --json',
    'trainyard datasets push ./flowers --to ds_01jd0example --message "200 pictures at night"',
  ],
  load: () => import('../commands/datasets/push.ts'),
})

const list = defineCommand({
  summary: 'List datasets, newest first',
  description: 'Lists the datasets of the server, newest first.',
  options: {
    limit: number({
      placeholder: 'N',
      description: 'Maximum number of datasets',
      min: 1,
      max: 100_000,
      isWhole: true,
      default: 50,
    }),
    ...serverOptions,
  },
  examples: ['trainyard datasets ls', "trainyard datasets ls --json | jq -r '.datasets[].id'"],
  load: () => import('../commands/datasets/ls.ts'),
})

const versions = defineCommand({
  summary: 'List the versions of a dataset, newest first',
  description: 'Lists the versions of a dataset with their messages, newest first.',
  arguments: { id: argument('ID', { description: 'Id of a dataset, as "trainyard datasets ls" shows it' }) },
  options: {
    limit: number({
      placeholder: 'N',
      description: 'Maximum number of versions',
      min: 1,
      max: 100_000,
      isWhole: true,
      default: 50,
    }),
    ...serverOptions,
  },
  examples: ['trainyard datasets versions ds_01jd0example'],
  load: () => import('../commands/datasets/versions.ts'),
})

const diffVersions = defineCommand({
  summary: 'Compare two versions of a dataset',
  description:
    'Shows what changed in a version: images added, removed or moved to another split, classes, and objects with the ' +
    'overlap of their boxes. ID is the latest version, ID@NUMBER any other. Exit code 1: they differ.',
  arguments: {
    id: argument('ID', { description: 'Id of a dataset, as "trainyard datasets ls" shows it, or ID@NUMBER' }),
  },
  options: {
    since: number({
      placeholder: 'NUMBER',
      description: 'Version to compare with',
      fallback: 'the one before',
      min: 1,
      isWhole: true,
    }),
    ...serverOptions,
  },
  examples: ['trainyard datasets diff ds_01jd0example', 'trainyard datasets diff ds_01jd0example@3 --since 1 --json'],
  load: () => import('../commands/datasets/diff.ts'),
})

const download = defineCommand({
  summary: 'Download a version of a dataset, in any format that is written',
  description:
    'Downloads a tar of a version: its files as they were uploaded, or converted by the server with --as. ID is the ' +
    'latest version, ID@NUMBER any other.',
  arguments: {
    id: argument('ID', { description: 'Id of a dataset, as "trainyard datasets ls" shows it, or ID@NUMBER' }),
    target: optionalArgument('FILE', {
      description: 'File to write. Default: the id and the format, in this folder',
      completion: { kind: 'file' },
    }),
  },
  options: {
    as: choice(TARGET_FORMATS, { placeholder: 'FORMAT', description: 'Format', fallback: 'as it was uploaded' }),
    ...serverOptions,
  },
  examples: ['trainyard datasets download ds_01jd0example@2 --as coco'],
  load: () => import('../commands/datasets/download.ts'),
})

const remove = defineCommand({
  summary: 'Delete datasets',
  description:
    'Deletes datasets with all their versions. A dataset that a job still needs is not deleted; the message names the job.',
  arguments: { ids: argumentList('ID', { description: 'Id of a dataset, as "trainyard datasets ls" shows it' }) },
  options: serverOptions,
  examples: ['trainyard datasets rm ds_01jd0example'],
  load: () => import('../commands/datasets/rm.ts'),
})

export const datasets = defineGroup({
  summary: 'Upload, list and delete datasets of the server, and their versions',
  description: 'The datasets of a server. For datasets on this machine, see "trainyard dataset --help".',
  examples: ['trainyard datasets push ./flowers', 'trainyard datasets ls --json'],
  commands: { push, ls: list, versions, diff: diffVersions, download, rm: remove },
})

const source = argument('SRC', {
  description: 'Folder of the dataset. Its format is detected; --from lists the formats',
  completion: { kind: 'folder' },
})

/** Options of every command that reads a dataset on this machine. */
const sourceOptions = {
  from: choice(SOURCE_FORMATS, { placeholder: 'FORMAT', description: 'Format of SRC', fallback: 'detected' }),
  task: choice(TASK_TYPES, {
    placeholder: 'TASK',
    description: 'Task of the dataset',
    fallback: 'that of SRC',
    aliases: TASK_ALIASES,
  }),
  'voc-one-based': flag('Read coordinates of Pascal VOC as one-based, as its devkit writes them'),
  'follow-links': option({
    placeholder: 'DIR',
    description: 'Follow symbolic links to files and folders inside of DIR, such as the cache of DVC',
    completion: { kind: 'folder' },
  }),
  json: flag('Print one JSON document instead of text'),
}

const convert = defineCommand({
  summary: 'Write a dataset in another format',
  description:
    'Converts the dataset in SRC to another format and writes it to DST. Counts and reports everything that the format ' +
    'cannot represent. SRC is only read.',
  arguments: {
    source,
    target: argument('DST', {
      description: 'A new folder, or one that an earlier conversion wrote',
      completion: { kind: 'folder' },
    }),
  },
  options: {
    to: choice(TARGET_FORMATS, { placeholder: 'FORMAT', description: 'Format of DST. Required' }),
    strict: flag('Treat every loss as an error: exit with 1 and write nothing'),
    images: choice(['copy', 'none'], {
      placeholder: 'MODE',
      description: 'Whether to copy images',
      fallback: 'copy',
    }),
    'multi-part': choice(['bridge', 'split', 'largest'], {
      placeholder: 'MODE',
      description: 'How to write an object of several polygons if the format allows only one',
      fallback: 'bridge',
    }),
    crowd: choice(['keep', 'skip'], {
      placeholder: 'MODE',
      description: 'What to do with crowd regions',
      fallback: 'keep for coco and dice, else skip',
    }),
    ignored: choice(['keep', 'skip'], {
      placeholder: 'MODE',
      description: 'What to do with objects that are marked as difficult or ignore',
      fallback: 'keep',
    }),
    'min-area': number({
      placeholder: 'PX',
      description: 'Drop objects with a smaller area, in square pixels',
      min: 0,
      max: 1e12,
      fallback: '0.001',
    }),
    decimals: number({
      placeholder: 'N',
      description: 'Digits after the decimal point',
      min: 1,
      max: 15,
      isWhole: true,
      fallback: '6',
    }),
    force: flag('Write again, even if DST already contains this conversion'),
    ...sourceOptions,
  },
  exitCodes: { 0: 'written', 1: 'losses under --strict' },
  examples: [
    'trainyard dataset convert ./coco ./coco-yolo --to yolo --task segmentation',
    'trainyard dataset convert ./voc ./dice --to dice --voc-one-based',
    'trainyard dataset convert ./labelme ./out --to coco --strict --json',
  ],
  load: () => import('../commands/dataset/convert.ts'),
})

const split = defineCommand({
  summary: 'Assign images to train, val and test',
  description:
    'Assigns every image to train, val or test. Images that have a split keep it. Images with the same bytes stay ' +
    'together. The splits are recorded in .trainyard-splits.json, in DST or, without DST, in SRC: the next run with the ' +
    'same options moves none of these images, whatever is added, and new images complete the ratios. Without a record, ' +
    'a hash of the path decides from 1,000 images on, so that a new image does not move any other. With fewer images ' +
    'the ratios are met exactly, and with --stratify rare classes are in train and val: then other images decide, too. ' +
    'With DST, writes the dataset there; without it, only shows the splits.',
  arguments: {
    source,
    target: optionalArgument('DST', { description: 'Folder to write to', completion: { kind: 'folder' } }),
  },
  options: {
    ratios: option({
      placeholder: 'T,V,T',
      description: 'Shares of train, val and test',
      fallback: '0.7,0.2,0.1',
      parse: ratios,
    }),
    reassign: flag('Ignore the splits that images have', { alias: 'anew' }),
    stratify: flag('The same shares for every class, also if images show several classes'),
    exact: flag('Meet the ratios exactly from 1,000 images on, too: then only the record keeps images in their splits'),
    'no-record': flag('Neither read nor write the record of splits'),
    'group-by': option({
      placeholder: 'KEY',
      description:
        'Keep images together: roboflow (copies of one image), re:EXPRESSION (first group of a match on the path, or ' +
        'the whole match) or meta:FIELD (metadata of the image, such as meta:patient)',
      parse: groupBy,
    }),
    'look-alikes': flag('Keep images together that look the same: other size, quality or format, or mirrored'),
    seed: option({ placeholder: 'TEXT', description: 'Another seed gives other splits' }),
    previous: option({
      placeholder: 'FILE',
      description: 'Keep the splits of an earlier run, as split --json printed them',
      completion: { kind: 'file' },
    }),
    to: choice(TARGET_FORMATS, { placeholder: 'FORMAT', description: 'Format of DST', fallback: 'that of SRC' }),
    ...sourceOptions,
  },
  examples: [
    'trainyard dataset split ./flowers --stratify',
    'trainyard dataset split ./flowers --json > splits.json',
    'trainyard dataset split ./flowers ./flowers-split --previous splits.json',
    'trainyard dataset split ./flowers ./flowers-split --ratios 0.8,0.1,0.1 --reassign',
    "trainyard dataset split ./frames ./out --to yolo --group-by 're:^video(\\d+)_'",
  ],
  load: () => import('../commands/dataset/split.ts'),
})

const validate = defineCommand({
  summary: 'Count the content of a dataset and find errors',
  description:
    'Counts the content of a dataset and finds errors: missing, damaged or unused files, images of another size, ' +
    'objects outside their image or without area, classes and splits without objects. Changes nothing.',
  arguments: { source },
  options: {
    duplicates: flag('Find images with the same bytes, and images that look the same, also across splits'),
    'no-pixels': flag('Do not open the image files'),
    strict: flag('Treat warnings as errors'),
    ...sourceOptions,
  },
  exitCodes: { 0: 'no errors', 1: 'errors (with --strict: or warnings)' },
  examples: [
    'trainyard dataset validate ./flowers',
    'trainyard dataset validate ./flowers --duplicates --strict',
    'trainyard dataset validate ./flowers --json',
  ],
  load: () => import('../commands/dataset/validate.ts'),
})

const show = defineCommand({
  summary: 'Draw a contact sheet of images and their objects',
  description:
    'Draws a contact sheet: images with their boxes, polygons, masks, keypoints and classes. The same dataset gives the ' +
    'same sheet. Requires the package sharp: npm install sharp',
  arguments: {
    source,
    target: optionalArgument('SHEET.png', {
      description: 'File to write. Default: SRC-sheet.png in this folder',
      completion: { kind: 'file' },
    }),
  },
  options: {
    count: number({
      placeholder: 'N',
      description: 'Number of images, at most 400',
      min: 1,
      max: 400,
      isWhole: true,
      fallback: '12',
    }),
    columns: number({ placeholder: 'N', description: 'Images per row', min: 1, max: 40, isWhole: true }),
    tile: number({
      placeholder: 'PX',
      description: 'Side of an image on the sheet, from 64 to 1024',
      min: 64,
      max: 1024,
      isWhole: true,
      fallback: '240',
    }),
    split: choice(SPLIT_NAMES, { placeholder: 'NAME', description: 'Only images of this split' }),
    class: option({ placeholder: 'NAME', description: 'Only images that show this class' }),
    seed: option({ placeholder: 'TEXT', description: 'Another seed shows other images' }),
    'no-labels': flag('Do not write the names of classes'),
    ...sourceOptions,
  },
  examples: [
    'trainyard dataset show ./flowers',
    'trainyard dataset show ./flowers val.png --split val --count 30',
    'trainyard dataset show ./ships --task obb --tile 400',
  ],
  load: () => import('../commands/dataset/show.ts'),
})

const stats = defineCommand({
  summary: 'Show how images and objects of a dataset are distributed',
  description:
    'Counts images, classes and objects like "validate", and shows how sizes, shapes and numbers of objects are ' +
    'distributed. With --json also the places of boxes: a grid of 16 by 16 counts of their centres.',
  arguments: { source },
  options: {
    duplicates: flag('Find images with the same bytes, and images that look the same, also across splits'),
    'no-pixels': flag('Do not open the image files'),
    ...sourceOptions,
  },
  examples: ['trainyard dataset stats ./flowers', "trainyard dataset stats ./flowers --json | jq '.classes'"],
  load: () => import('../commands/dataset/stats.ts'),
})

const report = defineCommand({
  summary: 'Write one HTML page about a dataset, with pictures',
  description:
    'Writes an HTML page with the health, the splits, the classes and the distributions of a dataset, and pictures with ' +
    'their objects. The page needs nothing beside itself. The pictures require the package sharp: npm install sharp',
  arguments: {
    source,
    target: optionalArgument('REPORT.html', {
      description: 'File to write. Default: SRC-report.html in this folder',
      completion: { kind: 'file' },
    }),
  },
  options: {
    pictures: number({
      placeholder: 'N',
      description: 'Number of pictures, at most 100',
      min: 0,
      max: 100,
      isWhole: true,
      fallback: '24',
    }),
    duplicates: flag('Find images with the same bytes, and images that look the same, also across splits'),
    'no-pixels': flag('Do not open the image files for the statistics'),
    ...sourceOptions,
  },
  examples: ['trainyard dataset report ./flowers', 'trainyard dataset report ./flowers flowers.html --pictures 60'],
  load: () => import('../commands/dataset/report.ts'),
})

const diff = defineCommand({
  summary: 'Show what changed between two datasets',
  description:
    'Compares two datasets of any formats: classes, images, splits and objects that were added, removed, renamed, moved ' +
    'or changed. Images belong together by path, and those that are left by their bytes. Objects belong together by the ' +
    'overlap of their boxes.',
  arguments: {
    before: argument('OLD', { description: 'Folder of the dataset before', completion: { kind: 'folder' } }),
    after: argument('NEW', { description: 'Folder of the dataset after', completion: { kind: 'folder' } }),
  },
  options: {
    'no-pixels': flag('Do not compare the bytes of images'),
    'min-overlap': number({
      placeholder: 'IOU',
      description: 'Intersection over union from which two boxes are the same object',
      min: 0.01,
      max: 1,
      fallback: '0.5',
    }),
    ...sourceOptions,
  },
  exitCodes: { 0: 'no difference', 1: 'differences' },
  examples: [
    'trainyard dataset diff ./flowers-1 ./flowers-2',
    'trainyard dataset diff ./coco ./yolo --no-pixels --json',
  ],
  load: () => import('../commands/dataset/diff.ts'),
})

/** Arguments and options of every command that writes a part of a dataset, or the dataset under other names. */
const target = argument('DST', { description: 'Folder to write to', completion: { kind: 'folder' } })
const to = choice(TARGET_FORMATS, { placeholder: 'FORMAT', description: 'Format of DST', fallback: 'that of SRC' })

const filter = defineCommand({
  summary: 'Write only some classes, objects or images',
  description:
    'Writes the images and objects that fit every filter. An image is left out when all its objects are; images without ' +
    'objects from the start are kept. Classes that are not wanted leave the list, which numbers the others again.',
  arguments: { source, target },
  options: {
    class: repeatable({ placeholder: 'NAME', description: 'Only objects of this class' }),
    without: repeatable({ placeholder: 'NAME', description: 'No objects of this class' }),
    split: choice([...SPLIT_NAMES, 'unsplit'], { placeholder: 'NAME', description: 'Only images of this split' }),
    'min-side': number({ placeholder: 'PX', description: 'Only images at least this wide and high', min: 0 }),
    'min-area': number({ placeholder: 'PX', description: 'Only objects with a box of at least this area', min: 0 }),
    'max-area': number({ placeholder: 'PX', description: 'Only objects with a box of at most this area', min: 0 }),
    attribute: repeatable({ placeholder: 'NAME=VALUE', description: 'Only objects with this attribute' }),
    empty: choice(['keep', 'background', 'drop'], {
      placeholder: 'MODE',
      description: 'Images without objects: keep all, only those without objects from the start, or none',
      fallback: 'background',
    }),
    to,
    ...sourceOptions,
  },
  examples: [
    'trainyard dataset filter ./street ./cars --class car --class truck',
    'trainyard dataset filter ./street ./large --min-area 1024 --split train',
    'trainyard dataset filter ./street ./easy --attribute occluded=false --empty drop',
  ],
  load: () => import('../commands/dataset/filter.ts'),
})

const remap = defineCommand({
  summary: 'Rename and merge classes',
  description: 'Writes the dataset with other names of classes. Classes that get the same name become one class.',
  arguments: { source, target },
  options: {
    map: repeatable({ placeholder: 'OLD=NEW', description: 'New name of a class' }),
    'map-file': option({
      placeholder: 'FILE',
      description: 'JSON object of old and new names',
      completion: { kind: 'file' },
    }),
    to,
    ...sourceOptions,
  },
  examples: [
    'trainyard dataset remap ./street ./vehicles --map car=vehicle --map bus=vehicle',
    'trainyard dataset remap ./street ./english --map-file names.json --to coco',
  ],
  load: () => import('../commands/dataset/remap.ts'),
})

const sample = defineCommand({
  summary: 'Write some of the images',
  description:
    'Writes COUNT images, chosen by a hash of their paths. A larger sample with the same seed holds the smaller one. ' +
    'Images keep their splits.',
  arguments: {
    source,
    target,
    count: argument('COUNT', {
      description: 'Number of images',
      parse: parseNumber({ min: 1, max: 1e9, isWhole: true }),
    }),
  },
  options: {
    seed: option({ placeholder: 'TEXT', description: 'Another seed takes other images' }),
    to,
    ...sourceOptions,
  },
  examples: ['trainyard dataset sample ./flowers ./flowers-100 100'],
  load: () => import('../commands/dataset/sample.ts'),
})

const merge = defineCommand({
  summary: 'Write several datasets as one',
  description:
    'Writes two or more datasets of one task as one, in the format of the first unless --to is given. Classes with the ' +
    'same name become one. Images with the same path get the name of their dataset as folder. Of images with the same ' +
    'bytes the first is taken; the others are counted.',
  arguments: {
    paths: argumentList('PATH', {
      description: 'The datasets, and at the end the folder to write to',
      completion: { kind: 'folder' },
    }),
  },
  options: {
    map: repeatable({ placeholder: 'OLD=NEW', description: 'New name of a class, in every dataset that has it' }),
    'keep-copies': flag('Take all images with the same bytes'),
    strict: flag('Treat every loss as an error: exit with 1 and write nothing'),
    to: choice(TARGET_FORMATS, {
      placeholder: 'FORMAT',
      description: 'Format of the result',
      fallback: 'that of the first',
    }),
    task: sourceOptions.task,
    json: sourceOptions.json,
  },
  exitCodes: { 0: 'written', 1: 'losses under --strict' },
  examples: [
    'trainyard dataset merge ./day ./night ./both',
    'trainyard dataset merge ./mine ./theirs ./all --to yolo --map automobile=car',
  ],
  load: () => import('../commands/dataset/merge.ts'),
})

export const dataset = defineGroup({
  summary: 'Convert, split, check, compare and edit datasets',
  description: 'Tools for datasets on this machine. For the datasets of a server, see "trainyard datasets --help".',
  examples: ['trainyard dataset validate ./flowers', 'trainyard dataset convert ./flowers ./flowers-yolo --to yolo'],
  commands: { convert, split, validate, stats, report, show, diff, filter, remap, sample, merge },
})

/** Options of every command of the cache. */
const cacheOptions = {
  dir: option({
    placeholder: 'DIR',
    description: 'Folder of the cache',
    fallback: 'DATASET_CACHE_DIR',
    completion: { kind: 'folder' },
  }),
  json: flag('Print one JSON document instead of text'),
}

const listCache = defineCommand({
  summary: 'List cached datasets, the most recently used first',
  description: 'Lists the datasets of the cache, the most recently used first.',
  options: cacheOptions,
  examples: ['trainyard cache ls --dir /var/cache/trainyard'],
  load: () => import('../commands/cache/ls.ts'),
})

const prune = defineCommand({
  summary: 'Remove the least recently used datasets',
  description: 'Removes the least recently used datasets until the cache is within its limit.',
  options: {
    max: number({
      placeholder: 'GB',
      description: 'Limit of the cache. 0 removes everything that is not in use',
      min: 0,
      fallback: 'DATASET_CACHE_MAX_GB',
    }),
    'dry-run': flag('Only show what would be removed'),
    ...cacheOptions,
  },
  examples: ['trainyard cache prune --max 20 --dry-run'],
  load: () => import('../commands/cache/prune.ts'),
})

const verify = defineCommand({
  summary: 'Check size and SHA-256 of every file',
  description: 'Reads every file of the cache and compares size and SHA-256 with the manifest of its dataset.',
  options: {
    repair: flag('Remove what is damaged, so that the next job downloads or converts it again'),
    ...cacheOptions,
  },
  exitCodes: { 0: 'no damage', 1: 'damaged files' },
  examples: ['trainyard cache verify', 'trainyard cache verify --repair'],
  load: () => import('../commands/cache/verify.ts'),
})

export const cache = defineGroup({
  summary: 'List, prune and verify the dataset cache',
  description:
    'The cache of datasets that jobs on this machine share. Datasets in use are never removed. A converted dataset is ' +
    'an entry of its own; it is removed with the dataset that it was made from.',
  examples: ['trainyard cache ls --dir /var/cache/trainyard', 'trainyard cache prune --max 20 --dry-run'],
  commands: { ls: listCache, prune, verify },
})
