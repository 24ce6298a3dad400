import { join } from 'node:path'
import type { SplitName } from '@trainyard/contract'
import { cutJson, type JsonElement } from '../../json/cut-json.ts'
import { parseJson } from '../../json/json-text.ts'
import type { DatasetClassInfo } from '../../record/record.ts'
import { findSplitOfFolder } from '../../splits/split-folder.ts'
import { asArray, asText, member, toNumber, toSide } from '../named/loose.ts'

export interface PanopticImage {
  name: string
  width: number
  height: number
  /** The file of the segments. */
  maskName: string
  segments: { id: number; categoryId: number; isCrowd: boolean }[]
}

export interface PanopticFile {
  path: string
  split: SplitName | undefined
  /** By the id of the category. */
  classes: Map<number, Omit<DatasetClassInfo, 'id'>>
  images: PanopticImage[]
}

/** The segments of a panoptic file of any size. Undefined for a JSON file of another kind. */
export async function parsePanopticFile(
  dir: string,
  path: string,
  signal: AbortSignal | undefined,
): Promise<PanopticFile | undefined> {
  const images = new Map<string, { name: string; width: number; height: number }>()
  const annotations: { imageId: string; maskName: string; segments: PanopticImage['segments'] }[] = []
  const parse = ({ bytes, start, end }: JsonElement) => parseJson(bytes.toString('utf8', start, end), path)
  const { categories } = await cutJson(join(dir, path), path, {
    arrays: {
      images: {
        onElement(element) {
          const image = parse(element)
          const name = asText(member(image, 'file_name')) ?? ''
          const size = { width: toSide(member(image, 'width')), height: toSide(member(image, 'height')) }
          images.set(String(member(image, 'id')), { name, ...size })
        },
      },
      annotations: {
        onElement(element) {
          const annotation = parse(element)
          const segments = member(annotation, 'segments_info')
          if (!Array.isArray(segments)) return
          annotations.push({
            imageId: String(member(annotation, 'image_id')),
            maskName: asText(member(annotation, 'file_name')) ?? '',
            segments: segments.map((segment) => ({
              id: toNumber(member(segment, 'id')),
              categoryId: toNumber(member(segment, 'category_id')),
              isCrowd: toNumber(member(segment, 'iscrowd')) === 1,
            })),
          })
        },
      },
    },
    signal,
  })
  if (annotations.length === 0) return undefined
  const [, word] = /(?:^|[_/])(train|val|valid|validation|test)\d{0,4}\.json$/i.exec(path) ?? []
  return {
    path,
    split: findSplitOfFolder(word ?? ''),
    classes: new Map(asArray(categories).map((category) => [toNumber(member(category, 'id')), toClass(category)])),
    images: annotations.map(({ imageId, maskName, segments }) => {
      const image = images.get(imageId)
      const name = image?.name || maskName.replace(/\.png$/i, '')
      return { width: 0, height: 0, ...image, name, maskName, segments }
    }),
  }
}

function toClass(category: unknown): Omit<DatasetClassInfo, 'id'> {
  const id = toNumber(member(category, 'id'))
  const color = asArray(member(category, 'color')).map((part) => Math.round(toNumber(part)) & 255)
  return {
    name: asText(member(category, 'name')) ?? `category_${id}`,
    supercategory: asText(member(category, 'supercategory')),
    color: color.length === 3 ? `#${color.map((part) => part.toString(16).padStart(2, '0')).join('')}` : undefined,
    sourceId: id,
  }
}
