import type { PictureContentType } from '@trainyard/platform'
import type { PartKind } from './version-parts.ts'

/** The pictures of the trainer's folder that its README shows. */
export interface ReadmePictureTable {
  version_id: number
  kind: PartKind
  path: string
  content_type: PictureContentType
  content: Buffer
}
