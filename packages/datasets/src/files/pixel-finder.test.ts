import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createFiles } from '../testing/coco-dataset.ts'
import { createPixelFinder } from './pixel-finder.ts'

describe('the images of an annotation file', () => {
  it.each([
    ['1.jpg', 'instances_train.json'],
    ['images/1.jpg', 'annotations/instances_train.json'],
    ['train2017/1.jpg', 'annotations/instances_train2017.json'],
    ['images/train/1.jpg', 'annotations/instances_train.json'],
    ['train/1.jpg', 'train/_annotations.coco.json'],
  ])('are found as %s for %s', (path, annotations) => {
    const dir = createFiles({ [path]: 'x', [annotations]: {} })
    expect(createPixelFinder(dir, annotations, 'train').find('1.jpg')).toEqual({ path, file: join(dir, path) })
  })

  it('are those of its own split when two have the same name', () => {
    const dir = createFiles({ 'train/1.jpg': 'x', 'val/1.jpg': 'x', '1.jpg': 'x' })
    expect(createPixelFinder(dir, 'annotations/a_val.json', 'val').find('1.jpg')?.path).toBe('val/1.jpg')
    expect(createPixelFinder(dir, 'annotations/a_train.json', 'train').find('1.jpg')?.path).toBe('train/1.jpg')
  })

  it('are found in the other Unicode form', () => {
    const dir = createFiles({ 'images/e\u0301.jpg': 'x' })
    expect(createPixelFinder(dir, 'a.json', undefined).find('\u00e9.jpg')?.path).toBe('images/e\u0301.jpg')
  })

  it('can be missing', () => {
    const dir = createFiles({ 'images/1.jpg': 'x' })
    expect(createPixelFinder(dir, 'a.json', undefined).find('2.jpg')).toBeUndefined()
    expect(createPixelFinder(dir, 'a.json', undefined).find('images')).toBeUndefined()
  })
})
