import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createDir, createFiles, image, read } from '../testing/coco-dataset.ts'

/** A file that no string of V8 can hold (2^29 - 24 characters): spaces between the elements make it large. */
function writeHuge(file: string): number {
  const handle = openSync(file, 'w')
  const blank = Buffer.alloc(1 << 20, ' ')
  const annotation = (id: number) =>
    Buffer.from(`{"id":${id},"image_id":${(id % 3) + 1},"category_id":1,"bbox":[${id % 50},10,20,20]}`)
  let size = 0
  const write = (bytes: Buffer) => {
    size += writeSync(handle, bytes)
  }
  write(Buffer.from('{"categories":[{"id":1,"name":"cat"}],"annotations":['))
  for (let id = 0; id < 540; id++) {
    if (id > 0) write(Buffer.from(','))
    write(annotation(id))
    write(blank)
  }
  write(Buffer.from(`],"images":${JSON.stringify([image(1), image(2), image(3)])}}`))
  closeSync(handle)
  return size
}

describe('pitfall 40: JSON larger than the longest string', () => {
  it('is read in memory that does not grow with the file', async () => {
    const dir = createDir()
    mkdirSync(join(dir, 'annotations'))
    expect(writeHuge(join(dir, 'annotations/instances_train.json'))).toBeGreaterThan(2 ** 29)
    const before = process.memoryUsage().rss
    const { records } = await read(dir, 'coco')
    expect(records.map(({ annotations }) => annotations.length)).toEqual([180, 180, 180])
    expect(process.memoryUsage().rss - before).toBeLessThan(200e6)
  })

  it('does not overflow the stack with an object of 100,000 corners', async () => {
    const ring = Array.from({ length: 200_000 }, (_, index) =>
      index % 2 === 0 ? 50 + 40 * Math.cos(index / 31_831) : 25 + 20 * Math.sin(index / 31_831),
    )
    const dir = createFiles({
      'a.json': {
        images: [image(1)],
        categories: [{ id: 1, name: 'cat' }],
        annotations: [{ id: 1, image_id: 1, category_id: 1, segmentation: [ring] }],
      },
    })
    const { annotations } = await read(dir, 'coco')
    expect(annotations[0]?.polygons?.[0]).toEqual(ring)
  })
})
