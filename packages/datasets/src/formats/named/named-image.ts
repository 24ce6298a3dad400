import type { SplitName } from '@trainyard/contract'
import type { Annotation } from '../../record/record.ts'

/** An object as a tool wrote it: its class by name. */
export interface NamedObject extends Omit<Annotation, 'classId'> {
  label: string
}

/** An image as a tool wrote it, before its file is found and its classes are numbered. */
export interface NamedImage {
  /** The path as written, or the name without its suffix. */
  name: string
  /** Where the tool describes it, for messages: `a.xml` or `tasks[3] in export.json`. */
  from: string
  /** The folder that `name` is relative to, where the tool names one. */
  folder?: string | undefined
  /** In pixels; 0 when the tool does not write it. */
  width: number
  height: number
  split?: SplitName | undefined
  /** Boxes are shares of the sides of the image, which are read from its file. */
  isNormalised?: boolean | undefined
  objects: NamedObject[]
  attributes?: Record<string, unknown> | undefined
}
