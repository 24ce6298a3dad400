import { deflateSync } from 'node:zlib'
import type { DatasetFormat, TaskType } from '@trainyard/contract'
import { encodePng } from '../../images/encode-png.ts'
import { plainPng } from '../../testing/dataset-formats.ts'

/** A dataset as another tool writes it, and what every reader must find in it. */
export interface ToolCase {
  format: DatasetFormat
  files: Readonly<Record<string, string | Uint8Array>>
  taskType: TaskType
  classes: readonly string[]
  /** By image: its split, and each object as class, kind and box. */
  images: Readonly<Record<string, { split?: string; objects: readonly string[] }>>
  /** Counted losses. */
  losses?: Readonly<Record<string, number>>
  /** A file that cannot be read, and what is counted for it. */
  damage: { path: string; text: string; losses: Readonly<Record<string, number>> }
}

const png = plainPng(100, 80)
const json = (value: unknown) => JSON.stringify(value)

type Rectangle = readonly [value: number, x: number, y: number, width: number, height: number]

/** Pixels of 100 × 80 with rectangles of one value. */
function pixels(boxes: readonly Rectangle[]) {
  const data = new Uint8Array(100 * 80)
  for (const [value, x, y, width, height] of boxes)
    for (let row = y; row < y + height; row++) data.fill(value, row * 100 + x, row * 100 + x + width)
  return data
}
const greyMask = (...boxes: Rectangle[]) => encodePng({ width: 100, height: 80, channels: 1, data: pixels(boxes) })
const idMask = (...boxes: Rectangle[]) => {
  const data = new Uint8Array(100 * 80 * 3)
  // The number of a segment is red + 256 × green.
  for (const [at, value] of pixels(boxes).entries()) data.set([value, value === 0 ? 0 : 1, 0], at * 3)
  return encodePng({ width: 100, height: 80, channels: 3, data })
}
const bitmap = deflateSync(encodePng({ width: 4, height: 3, channels: 1, data: new Uint8Array(12).fill(1) }))

const CVAT = `<?xml version="1.0" encoding="utf-8"?>
<annotations><version>1.1</version>
<meta><task><labels>
<label><name>dog</name><color>#ff0000</color></label><label><name>cat</name></label>
</labels></task></meta>
<image id="0" name="a.png" subset="Train" width="100" height="80">
<box label="cat" occluded="1" xtl="10" ytl="20" xbr="30" ybr="50" z_order="0"><attribute name="age">old</attribute></box>
<box label="cat" occluded="0" xtl="40" ytl="20" xbr="60" ybr="30" rotation="90"/>
<polygon label="dog" occluded="0" points="1,2;11,2;11,12"/>
<mask label="dog" occluded="0" rle="1, 2" left="5" top="6" width="3" height="1"/>
</image>
<image id="1" name="b.png" width="100" height="80"/>
</annotations>`

export const TOOL_CASES: readonly ToolCase[] = [
  {
    format: 'cvat',
    files: { 'annotations.xml': CVAT, 'images/a.png': png, 'images/b.png': png },
    taskType: 'segmentation',
    classes: ['dog', 'cat'],
    images: {
      'images/a.png': {
        split: 'train',
        objects: ['cat box 10,20,20,30', 'cat obb 45,15,10,20', 'dog polygon 1,2,10,10', 'dog mask 5,6,3,1'],
      },
      'images/b.png': { objects: [] },
    },
    damage: { path: 'more.xml', text: '<annotations><image', losses: { 'label-file-invalid': 1 } },
  },
  {
    format: 'label-studio',
    files: {
      'project-1.json': json([
        {
          id: 1,
          data: { image: '/data/upload/1/1a2b3c4d-a.png' },
          annotations: [
            { was_cancelled: true, result: [] },
            {
              result: [
                {
                  type: 'rectanglelabels',
                  original_width: 100,
                  original_height: 80,
                  value: { x: 10, y: 25, width: 20, height: 50, rotation: 0, rectanglelabels: ['cat'] },
                },
                {
                  type: 'rectanglelabels',
                  original_width: 100,
                  original_height: 80,
                  value: { x: 50, y: 25, width: 20, height: 12.5, rotation: 90, rectanglelabels: ['cat'] },
                },
                {
                  type: 'polygonlabels',
                  original_width: 100,
                  original_height: 80,
                  value: {
                    points: [
                      [10, 10],
                      [20, 10],
                      [20, 20],
                    ],
                    polygonlabels: ['dog'],
                  },
                },
              ],
            },
            { result: [{ type: 'rectanglelabels', value: {} }] },
          ],
        },
        { id: 2, data: { image: 's3://bucket/set/b.png' }, annotations: [{ result: [] }] },
      ]),
      '1a2b3c4d-a.png': png,
      'b.png': png,
    },
    taskType: 'segmentation',
    classes: ['cat', 'dog'],
    images: {
      '1a2b3c4d-a.png': {
        objects: ['cat box 10,20,20,40', 'cat obb 40,20,10,20', 'dog polygon 10,8,10,8'],
      },
      'b.png': { objects: [] },
    },
    losses: { 'extra-label-dropped': 1, 'image-path-guessed': 1 },
    damage: { path: 'more.json', text: '[{', losses: { 'label-file-invalid': 1 } },
  },
  {
    format: 'via',
    files: {
      'via_project.json': json({
        _via_settings: {},
        _via_img_metadata: {
          'a.png1': {
            filename: 'a.png',
            size: 1,
            regions: [
              {
                shape_attributes: { name: 'rect', x: 10, y: 20, width: 30, height: 40 },
                region_attributes: { note: 'x', class: 'cat' },
              },
              {
                shape_attributes: { name: 'polygon', all_points_x: [1, 11, 11], all_points_y: ['2', '2', '12'] },
                region_attributes: { class: { dog: true, cat: false } },
              },
              { shape_attributes: { name: 'rect', x: 1, y: 2, width: 3, height: 4 }, region_attributes: {} },
            ],
            file_attributes: {},
          },
          'b.png1': { filename: 'b.png', size: 1, regions: {}, file_attributes: {} },
        },
      }),
      'a.png': png,
      'b.png': png,
    },
    taskType: 'segmentation',
    classes: ['cat', 'dog'],
    images: {
      'a.png': { objects: ['cat box 10,20,30,40', 'dog polygon 1,2,10,10'] },
      'b.png': { objects: [] },
    },
    losses: { 'annotation-of-unknown-class': 1 },
    damage: { path: 'more.json', text: '{', losses: { 'label-file-invalid': 1 } },
  },
  {
    format: 'kitti',
    files: {
      'training/label_2/a.txt':
        'Car 0.00 0 -1.57 10 20 40 60 1.5 1.6 3.7 1.0 1.7 20.0 -1.6\nDontCare -1 -1 -10 1 2 3 4 -1 -1 -1 -1000 -1000 -1000 -10\n',
      'training/label_2/b.txt': '',
      'training/image_2/a.png': png,
      'training/image_2/b.png': png,
    },
    taskType: 'detection',
    classes: ['Car'],
    images: {
      'training/image_2/a.png': { split: 'train', objects: ['Car box 10,20,30,40'] },
      'training/image_2/b.png': { split: 'train', objects: [] },
    },
    losses: { 'annotation-kind-not-supported': 1 },
    damage: {
      path: 'training/label_2/c.txt',
      text: 'Car 1 2\n',
      losses: { 'annotation-invalid': 1 },
    },
  },
  {
    format: 'dota',
    files: {
      'train/labelTxt/a.txt': 'imagesource:GoogleEarth\ngsd:0.15\n10 20 40 20 40 60 10 60 small-vehicle 1\n',
      'train/images/a.png': png,
      'val/labelTxt/b.txt': '10.5 20 20 10 30 20 20.5 30 ship\n',
      'val/images/b.png': png,
    },
    taskType: 'obb',
    classes: ['ship', 'small-vehicle'],
    images: {
      'train/images/a.png': { split: 'train', objects: ['small-vehicle obb 10,20,30,40'] },
      'val/images/b.png': { split: 'val', objects: ['ship obb 10.5,10,19.5,20'] },
    },
    damage: { path: 'val/labelTxt/c.txt', text: '1 2 3\n', losses: { 'annotation-invalid': 1 } },
  },
  {
    format: 'open-images',
    files: {
      'class-descriptions-boxable.csv': '/m/01yrx,Cat\n/m/0bt9lr,"Dog, small"\n',
      'train-annotations-bbox.csv':
        'ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside\n' +
        'a,xclick,/m/01yrx,1,0.1,0.4,0.25,0.75,1,0,0,0,0\na,xclick,/m/0bt9lr,1,0,1,0,1,0,0,1,0,0\n',
      'train/a.png': png,
    },
    taskType: 'detection',
    classes: ['Cat', 'Dog, small'],
    images: { 'train/a.png': { split: 'train', objects: ['Cat box 10,20,30,40', 'Dog, small box 0,0,100,80'] } },
    damage: { path: 'more.csv', text: 'x,"y\n', losses: { 'label-file-invalid': 1 } },
  },
  {
    format: 'coco-panoptic',
    files: {
      'annotations/panoptic_train2017.json': json({
        images: [{ id: 1, file_name: 'a.jpg', width: 100, height: 80 }],
        annotations: [
          {
            image_id: 1,
            file_name: 'a.png',
            segments_info: [
              { id: 5 + 256, category_id: 7, iscrowd: 0 },
              { id: 9 + 256, category_id: 3, iscrowd: 0 },
            ],
          },
        ],
        categories: [
          { id: 3, name: 'sky', isthing: 0, color: [1, 2, 255] },
          { id: 7, name: 'cat', isthing: 1 },
        ],
      }),
      'annotations/panoptic_train2017/a.png': idMask([5, 10, 20, 30, 40], [9, 0, 0, 100, 10], [3, 90, 70, 5, 5]),
      'train2017/a.jpg': png,
    },
    taskType: 'segmentation',
    classes: ['sky', 'cat'],
    images: { 'train2017/a.jpg': { split: 'train', objects: ['cat mask 10,20,30,40', 'sky mask 0,0,100,10'] } },
    losses: { 'annotation-of-unknown-class': 1 },
    damage: { path: 'annotations/more.json', text: '{"images": [', losses: { 'label-file-invalid': 1 } },
  },
  {
    format: 'supervisely',
    files: {
      'meta.json': json({
        classes: [
          { title: 'dog', shape: 'polygon', color: '#ff0000' },
          { title: 'cat', shape: 'any' },
        ],
        tags: [],
      }),
      'set/ann/a.png.json': json({
        size: { width: 100, height: 80 },
        tags: [],
        objects: [
          {
            classTitle: 'cat',
            geometryType: 'rectangle',
            points: {
              exterior: [
                [40, 60],
                [10, 20],
              ],
              interior: [],
            },
          },
          {
            classTitle: 'dog',
            geometryType: 'polygon',
            points: {
              exterior: [
                [1, 2],
                [11, 2],
                [11, 12],
              ],
              interior: [],
            },
          },
          { classTitle: 'dog', geometryType: 'bitmap', bitmap: { data: bitmap.toString('base64'), origin: [50, 60] } },
          { classTitle: 'dog', geometryType: 'bitmap', bitmap: { data: 'AAAA', origin: [50, 60] } },
        ],
      }),
      'set/img/a.png': png,
    },
    taskType: 'segmentation',
    classes: ['dog', 'cat'],
    images: { 'set/img/a.png': { objects: ['cat box 10,20,30,40', 'dog polygon 1,2,10,10', 'dog mask 50,60,4,3'] } },
    losses: { 'annotation-invalid': 1 },
    damage: { path: 'set/ann/c.png.json', text: '{', losses: { 'label-file-invalid': 1 } },
  },
  {
    format: 'createml',
    files: {
      'train/_annotations.createml.json': json([
        { image: 'a.png', annotations: [{ label: 'cat', coordinates: { x: 25, y: 40, width: 30, height: 40 } }] },
        { image: 'b.png', annotations: [] },
      ]),
      'train/a.png': png,
      'train/b.png': png,
    },
    taskType: 'detection',
    classes: ['cat'],
    images: {
      'train/a.png': { split: 'train', objects: ['cat box 10,20,30,40'] },
      'train/b.png': { split: 'train', objects: [] },
    },
    damage: { path: 'valid/_annotations.createml.json', text: '[', losses: { 'label-file-invalid': 1 } },
  },
  {
    format: 'tensorflow-csv',
    files: {
      'train/_annotations.csv': 'filename,width,height,class,xmin,ymin,xmax,ymax\na.png,100,80,cat,10,20,40,60\n',
      'train/a.png': png,
      'valid/_annotations.csv':
        'filename,width,height,class,xmin,ymin,xmax,ymax\r\na.png,100,80,"dog, small",1,2,3,4\r\n',
      'valid/a.png': png,
    },
    taskType: 'detection',
    classes: ['cat', 'dog, small'],
    images: {
      'train/a.png': { split: 'train', objects: ['cat box 10,20,30,40'] },
      'valid/a.png': { split: 'val', objects: ['dog, small box 1,2,2,2'] },
    },
    damage: { path: 'test/_annotations.csv', text: '"', losses: { 'label-file-invalid': 1 } },
  },
  {
    format: 'huggingface',
    files: {
      'README.md':
        "---\ndataset_info:\n  features:\n  - name: objects\n    sequence:\n    - name: categories\n      dtype:\n        class_label:\n          names:\n            '0': dog\n            '1': cat\n---\n",
      'train/metadata.jsonl':
        '{"file_name": "a.png", "width": 100, "height": 80, "objects": {"bbox": [[10, 20, 30, 40]], "categories": [1]}}\n' +
        '{"file_name": "b.png", "objects": {"bbox": [], "categories": []}}\n',
      'train/a.png': png,
      'train/b.png': png,
    },
    taskType: 'detection',
    classes: ['dog', 'cat'],
    images: {
      'train/a.png': { split: 'train', objects: ['cat box 10,20,30,40'] },
      'train/b.png': { split: 'train', objects: [] },
    },
    damage: { path: 'test/metadata.jsonl', text: '{"file_name"\n', losses: { 'label-file-invalid': 1 } },
  },
  {
    format: 'masks',
    files: {
      'images/train/a.png': png,
      'masks/train/a.png': greyMask([2, 10, 20, 30, 40], [1, 0, 0, 5, 5], [1, 90, 70, 10, 10]),
      'classes.csv': 'name,r,g,b\nbackground,0,0,0\ndog,128,0,0\ncat,0,128,0\n',
    },
    taskType: 'segmentation',
    classes: ['dog', 'cat'],
    images: {
      'images/train/a.png': {
        split: 'train',
        objects: ['dog mask 0,0,5,5', 'dog mask 90,70,10,10', 'cat mask 10,20,30,40'],
      },
    },
    damage: { path: 'masks/train/b.png', text: 'no PNG', losses: { 'label-file-invalid': 1 } },
  },
]
