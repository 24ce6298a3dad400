import { z } from 'zod'
import { SplitName, type TaskType } from './primitives.ts'

/** A class in the platform's own dataset format, DICE (Dataset Interchange and Cataloging Engine). */
export const DiceClass = z.looseObject({
  id: z.number().int(),
  name: z.string(),
  color: z.string().nullish(),
  supercategory: z.string().nullish(),
})

/** One object of an image. Its fields determine its kind: box, outline, line, circle, keypoints, or class only. */
export const DiceAnnotation = z.looseObject({
  id: z.union([z.number(), z.string()]).optional(),
  image_id: z.union([z.number(), z.string()]).optional(),
  class_id: z.number().int().describe('-1 marks an image without objects'),
  class_name: z.string().optional(),
  bbox: z.array(z.number()).optional().describe('x, y, w, h in absolute pixels'),
  is_background: z.boolean().optional(),
})
export type DiceAnnotation = z.infer<typeof DiceAnnotation>

/** One image with its annotations, in the nested variant. A size of 0 is unknown. */
export const DiceImage = z.looseObject({
  id: z.union([z.number(), z.string()]),
  file_name: z.string().describe('Relative to storage_info.image_root'),
  width: z.number().nonnegative().default(0).describe('0 when unknown'),
  height: z.number().nonnegative().default(0).describe('0 when unknown'),
  split: SplitName.nullish(),
  annotations: z.array(DiceAnnotation).default([]),
})
export type DiceImage = z.infer<typeof DiceImage>

/** The values of `task_type` in a DICE file. */
export const DICE_TASK_TYPES = [
  'object_detection',
  'classification',
  'instance_segmentation',
  'keypoint_detection',
  'line_detection',
  'geometry_detection',
] as const

/** The name of each task in DICE. `geometry_detection` stands for every geometry; a file with an oriented box is for `obb`. */
export const DICE_TASKS = {
  detection: 'object_detection',
  segmentation: 'instance_segmentation',
  pose: 'keypoint_detection',
  obb: 'geometry_detection',
  classification: 'classification',
} as const satisfies Record<TaskType, (typeof DICE_TASK_TYPES)[number]>

/** A DICE file for one task, nested (`images[].annotations`) or flat (`annotations` beside `images`, as in COCO). */
export const DiceFile = z
  .looseObject({
    format_version: z.string(),
    dataset_id: z.union([z.string(), z.number()]).optional(),
    dataset_name: z.string().optional(),
    task_type: z.enum(DICE_TASK_TYPES),
    storage_info: z.looseObject({ image_root: z.string().default('') }).optional(),
    classes: z.array(DiceClass),
    images: z.array(DiceImage),
  })
  .meta({ id: 'DiceFile' })
export type DiceFile = z.infer<typeof DiceFile>

/** The names of DICE annotation files at the root of a dataset. */
export const DICE_FILE_NAMES = [
  'annotations.json',
  'annotations_detection.json',
  'annotations_classification.json',
  'annotations_segmentation.json',
  'annotations_pose.json',
] as const
