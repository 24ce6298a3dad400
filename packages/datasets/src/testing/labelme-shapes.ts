import { readLabelme } from '../formats/labelme/read.ts'
import { countLosses, plainPng, readAll, temporaryFolder } from './dataset-formats.ts'

export function labelMe(shapes: unknown[], rest: Record<string, unknown> = {}): string {
  return JSON.stringify({
    version: '7.0.0',
    flags: {},
    shapes,
    imagePath: '1.png',
    imageData: null,
    imageHeight: 80,
    imageWidth: 100,
    ...rest,
  })
}

export const shape = (type: string, points: unknown[], rest: Record<string, unknown> = {}) => ({
  label: 'a',
  points,
  group_id: null,
  shape_type: type,
  flags: {},
  ...rest,
})

export async function readShapes(...shapes: unknown[]) {
  using folder = temporaryFolder({ '1.json': labelMe(shapes), '1.png': plainPng(100, 80) })
  const reader = await readLabelme(folder.dir)
  const { records, losses } = await readAll(reader)
  return { taskType: reader.taskType, annotations: records[0]?.annotations ?? [], losses: countLosses(losses) }
}
