import { cutJson, type JsonElement } from '../../json/cut-json.ts'
import { ElementKeys } from '../../json/element-keys.ts'
import { groupByImage } from '../../json/group-by-image.ts'
import { createFloat64, createUint32, NumberList } from '../../json/number-list.ts'

/** Where the images and annotations of a DICE file are: a few bytes for each, none of their content. */
export interface DiceIndex {
  /** The members at the top of the file, without the two arrays. */
  members: Record<string, unknown>
  /** Whether any annotation of the file is an oriented box. */
  hasOrientedBoxes: boolean
  imageOffsets: Float64Array
  imageLengths: Uint32Array
  /** The flat variant: `annotations` beside `images`, as in COCO. Absent for the nested variant. */
  flat: FlatAnnotations | undefined
  /** Positions in `annotations` whose image does not exist. */
  orphans: number[]
}

/** Annotations of image `i` are those from `starts[i]` to `starts[i + 1]`, in the order of the file. */
export interface FlatAnnotations {
  starts: Uint32Array
  offsets: Float64Array
  lengths: Uint32Array
  /** Position of each annotation in its array, for messages. */
  numbers: Uint32Array
}

/** The text that every oriented box holds. Only elements with it are parsed in the first pass. */
const OBB = Buffer.from('"obb"')

/** Reads a DICE file once from start to end, whatever the order of its members. */
export async function indexDiceFile(file: string, name: string, signal: AbortSignal | undefined): Promise<DiceIndex> {
  const keys = new ElementKeys()
  const imageByKey = new Map<number, number>()
  const imageOffsets = new NumberList(createFloat64)
  const imageLengths = new NumberList(createUint32)
  const imageKeys = new NumberList(createFloat64)
  const offsets = new NumberList(createFloat64)
  const lengths = new NumberList(createUint32)
  let hasOrientedBoxes = false
  const members = await cutJson(file, name, {
    arrays: {
      images: {
        find: 'id',
        onElement(element) {
          const { bytes, start, end, offset, found, index } = element
          imageByKey.set(keys.read(bytes, found, end), index)
          imageOffsets.push(offset)
          imageLengths.push(end - start)
          hasOrientedBoxes ||= mentionsObb(element) && annotationsOf(parse(element)).some(isOrientedBox)
        },
      },
      annotations: {
        find: 'image_id',
        onElement(element) {
          const { bytes, start, end, offset, found } = element
          imageKeys.push(keys.read(bytes, found, end))
          offsets.push(offset)
          lengths.push(end - start)
          hasOrientedBoxes ||= mentionsObb(element) && isOrientedBox(parse(element))
        },
      },
    },
    signal,
  })
  const grouped = imageKeys.length > 0 ? groupByImage(imageOffsets.length, imageKeys, imageByKey) : undefined
  return {
    members,
    hasOrientedBoxes,
    imageOffsets: imageOffsets.toArray(),
    imageLengths: imageLengths.toArray(),
    flat: grouped && {
      starts: grouped.starts,
      offsets: Float64Array.from(grouped.order, (at) => offsets.get(at)),
      lengths: Uint32Array.from(grouped.order, (at) => lengths.get(at)),
      numbers: grouped.order,
    },
    orphans: grouped?.orphans ?? [],
  }
}

function mentionsObb({ bytes, start, end }: JsonElement): boolean {
  return bytes.subarray(start, end).includes(OBB)
}

function parse({ bytes, start, end }: JsonElement): unknown {
  try {
    return JSON.parse(bytes.toString('utf8', start, end))
  } catch {
    // Reported with its position when the image is read.
    return undefined
  }
}

function annotationsOf(image: unknown): unknown[] {
  const annotations = typeof image === 'object' && image !== null && 'annotations' in image ? image.annotations : []
  return Array.isArray(annotations) ? annotations : []
}

function isOrientedBox(annotation: unknown): boolean {
  return typeof annotation === 'object' && annotation !== null && 'type' in annotation && annotation.type === 'obb'
}
