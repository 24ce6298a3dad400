import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { DatasetFormat } from '@trainyard/contract'
import { findSeparator } from '../files/parse-csv.ts'
import { decodeText, encodingOfMark, toLines } from '../files/read-text.ts'
import { DOTA_LINE } from '../formats/dota/lines.ts'
import { KITTI_ROW } from '../formats/kitti/row.ts'
import { findSemanticMasks } from '../formats/masks/find-masks.ts'
import type { OtherFormat } from './other-format.ts'
import { findPairedPictures } from './paired-pictures.ts'

type Known = readonly [name: string, format: DatasetFormat | undefined]

/** Formats whose file names show them. */
const BY_NAME: readonly (readonly [...Known, pattern: RegExp])[] = [
  ['KITTI', 'kitti', /(?:^|\/)label_[23]\/[^/]+\.txt$/],
  ['Cityscapes', undefined, /_gtFine_(?:polygons\.json|labelIds\.png)$/],
  ['MOT Challenge', undefined, /(?:^|\/)(?:gt\/gt\.txt|seqinfo\.ini)$/],
  ['Supervisely', 'supervisely', /(?:^|\/)ann\/[^/]+\.json$/],
  ['WebDataset', undefined, /\.tar$/],
  ['TFRecord', undefined, /\.tfrecord(?:-\d+-of-\d+)?$/],
  ['Hugging Face ImageFolder with metadata', 'huggingface', /(?:^|\/)metadata\.(?:jsonl|csv)$/i],
  ['Parquet', undefined, /\.parquet$/],
]
/** Formats whose files begin in a way of their own. */
const BY_CONTENT: readonly (readonly [...Known, file: RegExp, start: RegExp])[] = [
  ['CVAT 1.1', 'cvat', /\.xml$/i, /<annotations>\s*(?:<!--[\s\S]*?-->\s*)?<(?:version>\s*1\.1|meta|image\s|track\s)/],
  [
    'Label Studio JSON',
    'label-studio',
    /\.json$/i,
    /^\s*\[?\s*\{[\s\S]*"(?:annotations|completions)"\s*:\s*\[[\s\S]*"(?:result|was_cancelled)"\s*:|^\s*\[\s*\{[\s\S]*"(?:rectangle|polygon|brush|ellipse|keypoint)labels"\s*:|^\s*\[\s*\{[\s\S]*"(?:annotator|annotation_id)"\s*:/,
  ],
  ['Create ML', 'createml', /\.json$/i, /^\s*\[\s*\{[\s\S]*"image(?:filename)?"\s*:[\s\S]*"coordinates"\s*:/i],
  [
    'VGG Image Annotator',
    'via',
    /\.json$/i,
    /"(?:_via_settings|_via_img_metadata|region_attributes|shape_attributes)"\s*:/,
  ],
  ['VGG Image Annotator', 'via', /\.csv$/i, /^#?"?filename"?,"?file_size"?,"?file_attributes/],
  ['VGG Image Annotator 3', undefined, /\.json$/i, /"vid_list"\s*:/],
  ['COCO panoptic', 'coco-panoptic', /\.json$/i, /"segments_info"\s*:/],
  ['Open Images CSV', 'open-images', /\.csv$/i, /^"?ImageID"?,"?(?:Source"?,"?)?LabelName/],
  [
    'TensorFlow Object Detection CSV',
    'tensorflow-csv',
    /\.csv$/i,
    /^"?filename"?,\s*"?width"?,\s*"?height"?,\s*"?class"?,\s*"?xmin/,
  ],
  [
    'Roboflow multi-class CSV',
    'tensorflow-csv',
    /(?:^|\/)_classes\.csv$/,
    /^filename,.+\r?\n[^\n]+?(?:,\s*[01])+\s*$/m,
  ],
  ['Label Studio CSV', undefined, /\.csv$/i, /^(?:[^\n]*,)?"?annotation_id"?\s*(?:,|\r?\n|$)/],
]
/** Formats of a text file for each image. At least half of the first lines have the form: some can be damaged. */
const BY_ROWS: readonly (readonly [...Known, row: RegExp])[] = [
  ['DOTA', 'dota', DOTA_LINE],
  ['KITTI', 'kitti', KITTI_ROW],
]
const START_BYTES = 64 * 1024
const SAMPLE = 5

/** Recognises a format of another tool. Undefined when the files show none. */
export async function recogniseOtherFormat(root: string, files: readonly string[]): Promise<OtherFormat | undefined> {
  for (const [name, format, pattern] of BY_NAME) {
    const seen = files.find((file) => pattern.test(file))
    if (seen !== undefined) return { name, format, seen }
  }
  const starts = new Map<string, string>()
  const startOf = async (path: string) => {
    const text = starts.get(path) ?? withCommas(path, await readStart(join(root, path)))
    starts.set(path, text)
    return text
  }
  for (const [name, format, file, start] of BY_CONTENT) {
    for (const seen of files.filter((path) => file.test(path)).slice(0, SAMPLE))
      if (start.test(await startOf(seen))) return { name, format, seen }
  }
  const texts = files.filter((path) => /\.txt$/i.test(path) && !/(?:^|\/)(?:readme|classes|labels)[^/]*$/i.test(path))
  for (const seen of texts.slice(0, SAMPLE)) {
    const lines = toLines(await startOf(seen)).slice(0, SAMPLE)
    for (const [name, format, row] of BY_ROWS)
      if (lines.length > 0 && lines.filter((line) => row.test(line)).length * 2 >= lines.length)
        return { name, format, seen }
  }
  const [mask] = findSemanticMasks(files)
  if (mask !== undefined) return { name: 'semantic masks beside images', format: 'masks', seen: mask.mask }
  return findPairedPictures(files)
}

/** Tables separate their cells with semicolons and tabs, too. */
function withCommas(path: string, text: string): string {
  if (!/\.csv$/i.test(path)) return text
  const { separator, start } = findSeparator(text)
  return text.slice(start).replaceAll(separator, ',')
}

async function readStart(path: string): Promise<string> {
  const file = await open(path).catch(() => undefined)
  if (file === undefined) return ''
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(START_BYTES), 0, START_BYTES, 0)
    const bytes = buffer.subarray(0, bytesRead)
    if (encodingOfMark(bytes) !== undefined) return decodeText(bytes.subarray(0, bytesRead - (bytesRead % 2)), path)
    return bytes.toString('utf8').replace(/^\ufeff/, '')
  } finally {
    await file.close()
  }
}
