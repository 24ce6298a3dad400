import { open } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { IMAGE_NAME } from '../files/list-files.ts'
import { splitExtension } from '../files/split-extension.ts'

/** A format that is known by name and not read. */
export interface OtherFormat {
  name: string
  /** The file that shows it. */
  seen: string
}

/** Formats whose file names show them. */
const BY_NAME: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['KITTI', /(?:^|\/)label_[23]\/[^/]+\.txt$/],
  ['Hugging Face ImageFolder with metadata', /(?:^|\/)metadata\.(?:jsonl|csv|parquet)$/],
  ['Cityscapes', /_gtFine_(?:polygons\.json|labelIds\.png)$/],
  ['MOT Challenge', /(?:^|\/)(?:gt\/gt\.txt|seqinfo\.ini)$/],
  ['Supervisely', /(?:^|\/)ann\/[^/]+\.json$/],
  ['WebDataset', /\.tar$/],
  ['TFRecord', /\.tfrecord(?:-\d+-of-\d+)?$/],
  ['Parquet', /\.parquet$/],
]
/** Formats whose files begin in a way of their own. */
const BY_CONTENT: readonly (readonly [name: string, file: RegExp, start: RegExp])[] = [
  ['CVAT for images 1.1', /\.xml$/i, /<annotations>\s*<version>\s*1\.1/],
  [
    'Label Studio JSON',
    /\.json$/i,
    /^\s*\[\s*\{[\s\S]*"(?:annotations|completions|data)"\s*:[\s\S]*"(?:result|data)"\s*:/,
  ],
  ['CreateML', /\.json$/i, /^\s*\[\s*\{[\s\S]*"image(?:filename)?"\s*:[\s\S]*"coordinates"\s*:/],
  ['VGG Image Annotator', /\.json$/i, /"(?:_via_settings|_via_img_metadata|region_attributes|shape_attributes)"\s*:/],
  ['VGG Image Annotator', /\.csv$/i, /^#?filename,file_size,file_attributes/],
  ['COCO panoptic', /\.json$/i, /"segments_info"\s*:/],
  ['Open Images CSV', /\.csv$/i, /^ImageID,(?:Source,)?LabelName/],
  ['TensorFlow Object Detection CSV', /\.csv$/i, /^filename,width,height,class,xmin/],
  ['DOTA', /\.txt$/i, /^(?:imagesource:|gsd:|(?:-?[\d.]+\s+){8}[A-Za-z][\w-]*\s+[01]\s*$)/m],
]
const MASK_FOLDER = /^(?:masks?|gt|ground_?truth|seg(?:mentation)?s?|annotations|labels|targets?)$/i
const START_BYTES = 16 * 1024
const SAMPLE = 5

/** Recognises a format that other tools write and that is not read here. Undefined when the files show none. */
export async function recogniseOtherFormat(root: string, files: readonly string[]): Promise<OtherFormat | undefined> {
  for (const [name, pattern] of BY_NAME) {
    const seen = files.find((file) => pattern.test(file))
    if (seen !== undefined) return { name, seen }
  }
  const starts = new Map<string, string>()
  for (const [name, file, start] of BY_CONTENT) {
    for (const seen of files.filter((path) => file.test(path)).slice(0, SAMPLE)) {
      const text = starts.get(seen) ?? (await readStart(join(root, seen)))
      starts.set(seen, text)
      if (start.test(text)) return { name, seen }
    }
  }
  const mask = findMask(files)
  return mask === undefined ? undefined : { name: 'semantic masks beside images', seen: mask }
}

async function readStart(path: string): Promise<string> {
  const file = await open(path).catch(() => undefined)
  if (file === undefined) return ''
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(START_BYTES), 0, START_BYTES, 0)
    return buffer.toString('utf8', 0, bytesRead).replace(/^\ufeff/, '')
  } finally {
    await file.close()
  }
}

/** An image in a folder of masks that has the name of an image in a folder beside it. */
function findMask(files: readonly string[]): string | undefined {
  const images = new Map<string, string[]>()
  for (const file of files.filter((path) => IMAGE_NAME.test(path))) {
    const { stem } = splitExtension(basename(file))
    images.set(stem, [...(images.get(stem) ?? []), file])
  }
  for (const same of images.values()) {
    if (same.length < 2) continue
    const mask = same.find(
      (file) => /\.(?:png|bmp|tiff?)$/i.test(file) && file.split('/').slice(0, -1).some(isMaskFolder),
    )
    if (mask !== undefined && same.some((file) => !file.split('/').slice(0, -1).some(isMaskFolder))) return mask
  }
  return undefined
}

function isMaskFolder(name: string): boolean {
  return MASK_FOLDER.test(name)
}
