import { createRandom, createTextFile, imageName } from './generate-coco.ts'

export interface GenerateDiceOptions {
  images: number
  /** On average. Default 7. */
  annotationsPerImage?: number
  seed?: number
}

/** A nested DICE file of boxes and outlines, as the platform exports it. */
export function generateDice(path: string, { images, annotationsPerImage = 7, seed = 1 }: GenerateDiceOptions): void {
  const random = createRandom(seed)
  const file = createTextFile(path)
  const classes = Array.from({ length: 80 }, (_, id) => ({ id, name: `class ${id}`, color: '#00ff00' }))
  const fixed = (value: number) => Math.round(value * 100) / 100
  file.write(
    `{"format_version":"1.0","dataset_id":"bench","task_type":"instance_segmentation","storage_info":{"image_root":"images"},"classes":${JSON.stringify(classes)},"images":[`,
  )
  let id = 0
  for (let index = 0; index < images; index++) {
    const annotations = Array.from({ length: Math.floor(random() * annotationsPerImage * 2) }, () => {
      const [width, height] = [4 + random() * 300, 4 + random() * 200]
      const [x, y] = [random() * (640 - width), random() * (480 - height)]
      const ring = Array.from({ length: 20 }, (_, vertex) => (vertex / 20) * 2 * Math.PI).flatMap((angle) => [
        fixed(x + width * (0.5 + Math.cos(angle) * 0.45)),
        fixed(y + height * (0.5 + Math.sin(angle) * 0.45)),
      ])
      const classId = Math.floor(random() * 80)
      return {
        id: id++,
        image_id: index,
        class_id: classId,
        class_name: `class ${classId}`,
        bbox: [x, y, width, height].map(fixed),
        bbox_format: 'xywh',
        segmentation: [ring],
        attributes: {},
      }
    })
    const split = random() < 0.8 ? 'train' : 'val'
    const image = {
      id: index,
      file_name: imageName(index),
      file_format: 'jpg',
      width: 640,
      height: 480,
      split,
      annotations,
    }
    file.write(`${index === 0 ? '' : ','}\n${JSON.stringify(image)}`)
  }
  file.write(']}')
  file.close()
}
