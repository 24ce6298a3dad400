import { encodePng } from '../images/encode-png.ts'
import { plainPng } from '../testing/dataset-formats.ts'

/** A dataset as people have it, and what must be found in it. */
export interface StrangersCase {
  what: string
  /** Values other than text and bytes are written as JSON; undefined makes an empty folder. */
  files: Readonly<Record<string, unknown>>
  /** Links by their path, and what they point to. */
  links?: Readonly<Record<string, string>>
  /** Also compare the objects. */
  objects?: true
  outcome: string
}

const png = plainPng(100, 50)
const row = (id: number | string) => `${id} 0.5 0.5 0.2 0.2\n`
const utf16 = (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le')
const utf16be = (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le').swap16()
const bbox = [10, 10, 20, 20]
const image = (id: number, more: object = {}) => ({ id, file_name: `${id}.png`, width: 100, height: 50, ...more })
const coco = (annotations: object[], more: object = {}) => ({
  images: [image(1)],
  categories: [
    { id: 1, name: 'cat' },
    { id: 2, name: 'dog' },
  ],
  annotations: annotations.map((item, at) => ({ id: at + 1, image_id: 1, category_id: 1, ...item })),
  ...more,
})
const dice = (annotations: object[], more: object = {}) => ({
  format_version: '1.0',
  task_type: 'object_detection',
  classes: [
    { id: 0, name: 'cat' },
    { id: 1, name: 'dog' },
  ],
  images: [
    {
      id: 1,
      file_name: '1.png',
      width: 100,
      height: 50,
      annotations: annotations.map((item, at) => ({
        id: at + 1,
        image_id: 1,
        class_id: 0,
        class_name: 'cat',
        ...item,
      })),
    },
  ],
  ...more,
})
const xml = (name: string | undefined, file: string, more = '', box = [10, 10, 30, 30]) =>
  `<annotation><filename>${file}</filename><size><width>100</width><height>50</height></size>` +
  `<object>${name === undefined ? '' : `<name>${name}</name>`}${more}<bndbox><xmin>${box[0]}</xmin><ymin>${box[1]}</ymin><xmax>${box[2]}</xmax><ymax>${box[3]}</ymax></bndbox></object></annotation>`
const labelme = (shapes: object[], more: object = {}) => ({
  version: '5.5.0',
  shapes: shapes.map((shape) => ({
    label: 'cow',
    shape_type: 'rectangle',
    points: [
      [10, 10],
      [30, 30],
    ],
    ...shape,
  })),
  imagePath: 'a.png',
  imageWidth: 100,
  imageHeight: 50,
  ...more,
})
const studio = (image: string, value: object, more: object = {}) => ({
  data: { image },
  annotations: [{ result: [{ type: 'rectanglelabels', original_width: 100, original_height: 50, value, ...more }] }],
})
const cvat = (inside: string, labels = '<label><name>cat</name></label>') =>
  `<annotations><version>1.1</version><meta><task><labels>${labels}</labels></task></meta>${inside}</annotations>`
const cvatImage = (inside: string, name = 'a.png') =>
  `<image id="0" name="${name}" width="100" height="50">${inside}</image>`
const via = (regions: object[], filename = 'a.png') => ({
  [`${filename}1`]: {
    filename,
    size: 1,
    regions: regions.map((region) => ({
      shape_attributes: { name: 'rect', x: 10, y: 10, width: 20, height: 20 },
      region_attributes: { class: 'cat' },
      ...region,
    })),
    file_attributes: {},
  },
})
const mask = (...boxes: [value: number, x: number, y: number, width: number, height: number][]) => {
  const data = new Uint8Array(100 * 50)
  for (const [value, x, y, width, height] of boxes)
    for (let at = y; at < y + height; at++) data.fill(value, at * 100 + x, at * 100 + x + width)
  return encodePng({ width: 100, height: 50, channels: 1, data })
}
const supervisely = (objects: object[], more: object = {}) => ({
  size: { width: 100, height: 50 },
  tags: [],
  objects: objects.map((item) => ({
    classTitle: 'cat',
    geometryType: 'rectangle',
    points: {
      exterior: [
        [10, 10],
        [30, 30],
      ],
      interior: [],
    },
    ...item,
  })),
  ...more,
})
const csvHead = 'filename,width,height,class,xmin,ymin,xmax,ymax\n'
const lines = (...rows: object[]) => rows.map((item) => `${JSON.stringify(item)}\n`).join('')
const kitti = (name: string, box = '10 10 30 30') => `${name} 0.00 0 -1.57 ${box} 1.5 1.6 3.7 1.0 1.7 20.0 -1.6\n`
const yolo = {
  'images/train/a.png': png,
  'labels/train/a.txt': row(0),
  'images/val/b.png': png,
  'labels/val/b.txt': row(1),
}
const openImages =
  'ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside\n'
const below = (folder: string, files: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(files).map(([path, content]) => [`${folder}/${path}`, content]))
const meta = { classes: [{ title: 'cat', shape: 'any' }], tags: [] }
/** A JPEG of 80 × 40 with orientation 6: shown 40 × 80. */
const turned = (() => {
  const exif = Buffer.from('4d4d002a00000008000101120003000000010006000000000000', 'hex')
  const app1 = Buffer.concat([Buffer.from('Exif\0\0'), exif])
  const size = Buffer.from([0xff, 0xc0, 0, 11, 8, 0, 40, 0, 80, 1, 1, 0x11, 0])
  return Buffer.concat([
    Buffer.from([0xff, 0xd8, 0xff, 0xe1, 0, app1.length + 2]),
    app1,
    size,
    Buffer.from([0xff, 0xd9]),
  ])
})()
const bowTie = [10, 5, 50, 45, 50, 5, 10, 45]

const INVENTED: readonly StrangersCase[] = [
  {
    what: 'YOLO: names for fewer classes than nc',
    files: { ...yolo, 'data.yaml': 'train: images/train\nval: images/val\nnc: 3\nnames: [dog, cat]\n' },
    outcome: 'data.yaml: nc is 3; expected 2, the number of names',
  },
  {
    what: 'YOLO: names by number with a gap',
    files: { ...yolo, 'data.yaml': 'train: images/train\nval: images/val\nnames:\n  0: dog\n  2: cat\n' },
    outcome: 'data.yaml: names has the key "2"; expected the numbers 0 to 1, each once',
  },
  {
    what: 'YOLO: a number beyond the names',
    files: {
      ...yolo,
      'labels/val/b.txt': row(7),
      'data.yaml': 'train: images/train\nval: images/val\nnames: [dog, cat]\n',
    },
    outcome: 'yolo detection | dog 1, cat 0 | train 1 | label-file-invalid 1',
  },
  {
    what: 'YOLO: train and val are one folder',
    files: {
      'images/train/a.png': png,
      'labels/train/a.txt': row(0),
      'data.yaml': 'train: images/train\nval: images/train\nnames: [dog]\n',
    },
    outcome: 'yolo detection | dog 1 | train 1 | image-in-several-splits 1 | error split-leak',
  },
  {
    what: 'YOLO: keypoints without names',
    files: {
      'images/train/a.png': png,
      'labels/train/a.txt': '0 0.5 0.5 0.2 0.2 0.5 0.5 2 0.4 0.4 1\n',
      'data.yaml': 'train: images/train\nval: images/train\nkpt_shape: [2, 3]\nnames: [dog]\n',
    },
    outcome: 'yolo pose | dog 1 | train 1 | image-in-several-splits 1 | error split-leak',
  },
  {
    what: 'COCO: no categories',
    files: { 'instances_train.json': coco([{ bbox }], { categories: [] }), '1.png': png },
    outcome: 'coco detection | no class | train 1 | annotation-of-unknown-class 1 | error classes-missing',
  },
  {
    what: 'COCO: a category without a name',
    files: { 'instances_train.json': coco([{ bbox }], { categories: [{ id: 1 }] }), '1.png': png },
    outcome: 'coco detection | class_1 1 | train 1 | class-name-invented 1',
  },
  {
    what: 'DICE: no classes',
    files: { 'annotations.json': dice([{ bbox, bbox_format: 'xywh' }], { classes: [] }), '1.png': png },
    outcome: 'dice detection | no class | no split 1 | annotation-of-unknown-class 1 | error classes-missing',
  },
  {
    what: 'Hugging Face: numbers without names',
    files: {
      'train/metadata.jsonl': lines({ file_name: 'a.png', objects: { bbox: [bbox], categories: [1] } }),
      'train/a.png': png,
    },
    outcome: 'huggingface detection | class_1 1 | train 1 | class-name-invented 1',
  },
  {
    what: 'Hugging Face: labels of images as numbers',
    files: {
      'train/metadata.jsonl': lines({ file_name: 'a.png', label: 0 }, { file_name: 'b.png', label: 2 }),
      'train/a.png': png,
      'train/b.png': png,
    },
    outcome: 'huggingface classification | class_0 1, class_2 1 | train 2 | class-name-invented 2',
  },
  {
    what: 'masks without a table',
    files: { 'images/a.png': png, 'masks/a.png': mask([3, 1, 1, 5, 5]) },
    outcome: 'masks segmentation | class_3 1 | no split 1 | class-name-invented 1',
  },
  {
    what: 'masks: a number that the table does not have',
    files: {
      'images/a.png': png,
      'masks/a.png': mask([1, 1, 1, 5, 5], [9, 50, 20, 5, 5]),
      'classes.txt': 'background\ndog\n',
    },
    outcome: 'masks segmentation | dog 1 | no split 1 | annotation-of-unknown-class 1',
  },
  {
    what: 'Open Images: machine ids without descriptions',
    files: {
      'train-annotations-bbox.csv': `${openImages}a,xclick,/m/01yrx,1,0.1,0.3,0.2,0.6,0,0,0,0,0\n`,
      'train/a.png': png,
    },
    outcome: 'open-images detection | /m/01yrx 1 | train 1 | class-name-invented 1',
  },
  {
    what: 'Label Studio: a region without a label',
    files: { 'e.json': [studio('a.png', { x: 10, y: 20, width: 20, height: 40 })], 'a.png': png },
    outcome: 'label-studio detection | no class | no split 1 | annotation-kind-not-supported 1 | error classes-missing',
  },
  {
    what: 'VIA: no attribute at all',
    files: { 'via.json': via([{ region_attributes: {} }]), 'a.png': png },
    outcome: 'via detection | object 1 | no split 1 | class-name-invented 1',
  },
  {
    what: 'VOC: an object without a name',
    files: { 'Annotations/a.xml': xml(undefined, 'a.png'), 'JPEGImages/a.png': png },
    outcome: 'voc detection | no class | no split 1 | annotation-of-unknown-class 1 | error classes-missing',
  },
  {
    what: 'LabelMe: an empty label',
    files: { 'a.json': labelme([{ label: '' }, {}]), 'a.png': png },
    outcome: 'labelme detection | cow 1 | no split 1 | annotation-of-unknown-class 1',
  },
  {
    what: 'Supervisely: a class that meta.json does not have',
    files: { 'meta.json': meta, 'set/ann/a.png.json': supervisely([{ classTitle: 'dog' }]), 'set/img/a.png': png },
    outcome: 'supervisely detection | cat 0 | no split 1 | annotation-of-unknown-class 1',
  },
  {
    what: 'panoptic: no categories',
    files: {
      'annotations/panoptic_train.json': {
        images: [image(1)],
        annotations: [{ image_id: 1, file_name: '1.png', segments_info: [{ id: 1, category_id: 4 }] }],
        categories: [],
      },
      'annotations/panoptic_train/1.png': mask([1, 1, 1, 5, 5]),
      '1.png': png,
    },
    outcome: 'coco-panoptic segmentation | no class | train 1 | annotation-of-unknown-class 1 | error classes-missing',
  },
  {
    what: 'CSV: an empty class',
    files: {
      'train/_annotations.csv': `${csvHead}a.png,100,50,,10,10,30,30\na.png,100,50,cat,10,10,30,30\n`,
      'train/a.png': png,
    },
    outcome: 'tensorflow-csv detection | cat 1 | train 1 | annotation-of-unknown-class 1',
  },
]

const PASSED_OVER: readonly StrangersCase[] = [
  {
    what: 'YOLO: labels and images without each other, notes and a hidden folder',
    files: {
      ...yolo,
      'classes.txt': 'dog\ncat\n',
      'images/train/c.png': png,
      'labels/train/d.txt': row(0),
      'notes.docx': 'x',
      'images/train/.cache/x.png': png,
      'images/train/e.heic': 'x',
      'images/train/f.tiff': 'x',
    },
    outcome:
      'yolo detection | dog 1, cat 1 | train 3, val 1 | file-ignored 1, folder-ignored 1, image-unreadable 1, image-without-label 3, label-without-image 1 | warning size-unknown',
  },
  {
    what: 'YOLO: a list with images that do not exist',
    files: {
      ...yolo,
      'data.yaml': 'train: train.txt\nval: val.txt\nnames: [dog, cat]\n',
      'train.txt': './images/train/a.png\n./images/train/ghost.png\n',
      'val.txt': './images/val/b.png\n',
    },
    outcome: 'yolo detection | dog 1, cat 1 | train 1, val 1 | image-missing-file 1',
  },
  {
    what: 'YOLO: one of two folders does not exist',
    files: { ...yolo, 'data.yaml': 'train: [images/train, images/more]\nval: images/val\nnames: [dog, cat]\n' },
    outcome: 'data.yaml: train is "images/more"; expected a folder or list of the dataset',
  },
  {
    what: 'YOLO: files of macOS beside images and labels',
    files: {
      ...yolo,
      'classes.txt': 'dog\ncat\n',
      'images/train/._a.png': 'x',
      'labels/train/._a.txt': 'x',
      'images/train/.DS_Store': 'x',
    },
    outcome: 'yolo detection | dog 1, cat 1 | train 1, val 1 | nothing lost',
  },
  {
    what: 'YOLO: labels in capitals',
    files: {
      'images/a.PNG': png,
      'labels/a.TXT': row(0),
      'images/b.png': png,
      'labels/b.txt': row(0),
      'classes.txt': 'dog\n',
    },
    outcome: 'yolo detection | dog 2 | no split 2 | nothing lost',
  },
  {
    what: 'COCO: images that no file lists, and other files',
    files: {
      'annotations/instances_train.json': coco([{ bbox }]),
      'train/1.png': png,
      'train/2.png': png,
      'train/3.heic': 'x',
      'train/4.txt': 'x',
      'images.zip': 'x',
    },
    outcome: 'coco detection | cat 1, dog 0 | train 1 | file-ignored 2, image-not-loadable 1, image-unlabelled 1',
  },
  {
    what: 'COCO: listed images that do not exist',
    files: {
      'annotations/instances_train.json': coco([{ bbox }, { bbox, image_id: 2 }], { images: [image(1), image(2)] }),
      'train/1.png': png,
    },
    outcome: 'coco detection | cat 2, dog 0 | train 2 | nothing lost | error image-missing',
  },
  {
    what: 'COCO: objects of no image',
    files: { 'annotations/instances_train.json': coco([{ bbox }, { bbox, image_id: 9 }]), 'train/1.png': png },
    outcome: 'coco detection | cat 1, dog 0 | train 1 | annotation-of-missing-image 1',
  },
  {
    what: 'DICE: images that the file does not list, and other files',
    files: {
      'annotations.json': dice([{ bbox, bbox_format: 'xywh' }]),
      '1.png': png,
      '2.png': png,
      'notes.doc': 'x',
      '.hidden/3.png': png,
    },
    outcome: 'dice detection | cat 1, dog 0 | no split 1 | file-ignored 1, folder-ignored 1, image-unlabelled 1',
  },
  {
    what: 'VOC: images and XML without each other, and other files',
    files: {
      'Annotations/a.xml': xml('cat', 'a.png'),
      'Annotations/c.xml': xml('cat', 'c.png'),
      'JPEGImages/a.png': png,
      'JPEGImages/b.png': png,
      'JPEGImages/d.webm': 'x',
      'notes.csv': 'x',
    },
    outcome: 'voc detection | cat 2 | no split 2 | file-ignored 2, image-unlabelled 1 | error image-missing',
  },
  {
    what: 'LabelMe: images and JSON without each other, and other files',
    files: {
      'a.json': labelme([{}]),
      'a.png': png,
      'b.png': png,
      'c.json': labelme([{}], { imagePath: 'c.png' }),
      'settings.json': {},
      'd.mov': 'x',
    },
    outcome: 'labelme detection | cow 2 | no split 2 | file-ignored 2, image-unlabelled 1 | error image-missing',
  },
  {
    what: 'folders of classes: images outside of them, folders in them, empty ones',
    files: {
      'train/cat/1.png': png,
      'train/dog/puppies/2.png': png,
      'train/3.png': png,
      'train/cow': undefined,
      'train/cat/4.npy': 'x',
      'train/cat/5.PNG': png,
    },
    outcome: 'imagefolder classification | cat 2, cow 0, dog 1 | train 3 | file-ignored 1, image-unlabelled 1',
  },
  {
    what: 'masks and images without each other',
    files: {
      'images/a.png': png,
      'masks/a.png': mask([1, 1, 1, 5, 5]),
      'images/b.png': png,
      'masks/c.png': mask([1, 1, 1, 5, 5]),
      'classes.txt': 'background\ndog\n',
    },
    outcome: 'masks segmentation | dog 1 | no split 1 | image-unlabelled 2',
  },
  {
    what: 'Label Studio: tasks without image, without annotation, of a missing image',
    files: {
      'e.json': [
        studio('a.png', { x: 10, y: 20, width: 20, height: 40, rectanglelabels: ['cat'] }),
        { data: { text: 'hello' }, annotations: [] },
        { data: { image: 'b.png' }, annotations: [] },
        studio('gone.png', { x: 10, y: 20, width: 20, height: 40, rectanglelabels: ['cat'] }),
      ],
      'a.png': png,
      'b.png': png,
    },
    outcome:
      'label-studio detection | cat 2 | no split 2 | annotation-invalid 1, image-unlabelled 1 | error image-missing',
  },
  {
    what: 'Label Studio: predictions only',
    files: {
      'e.json': [
        {
          data: { image: 'a.png' },
          annotations: [],
          predictions: [
            {
              result: [
                {
                  type: 'rectanglelabels',
                  original_width: 100,
                  original_height: 50,
                  value: { x: 10, y: 20, width: 20, height: 40, rectanglelabels: ['cat'] },
                },
              ],
            },
          ],
        },
      ],
      'a.png': png,
    },
    outcome: 'No annotations of the format label-studio in "DIR"',
  },
  {
    what: 'CVAT: shapes that are not read',
    files: {
      'annotations.xml': cvat(
        cvatImage(
          '<box label="cat" xtl="10" ytl="10" xbr="30" ybr="30"/><polyline label="cat" points="1,2;3,4"/><points label="cat" points="5,6"/><cuboid label="cat" xtl1="1" ytl1="1"/><ellipse label="cat" cx="50" cy="25" rx="10" ry="5"/>',
        ),
      ),
      'a.png': png,
    },
    outcome: 'cvat segmentation | cat 4 | no split 1 | annotation-kind-not-supported 1, polygon-from-circle 1',
  },
  {
    what: 'VIA: shapes that are not read',
    files: {
      'via.json': via([
        {},
        { shape_attributes: { name: 'point', cx: 1, cy: 1 } },
        { shape_attributes: { name: 'polyline', all_points_x: [1, 2], all_points_y: [1, 2] } },
        { shape_attributes: { name: 'circle', cx: 20, cy: 20, r: 5 } },
      ]),
      'a.png': png,
    },
    outcome: 'via segmentation | cat 4 | no split 1 | polygon-from-circle 1',
  },
  {
    what: 'DOTA: labels without image and images without labels',
    files: {
      'train/labelTxt/a.txt': '10 20 40 20 40 60 10 60 ship 0\n',
      'train/images/a.png': png,
      'train/labelTxt/b.txt': '10 20 40 20 40 60 10 60 ship 0\n',
      'train/images/c.png': png,
    },
    outcome:
      'dota obb | ship 2 | train 2 | image-unlabelled 1 | error image-missing | warning size-unknown | warning polygon-outside',
  },
  {
    what: 'KITTI: labels without image and images without labels',
    files: {
      'training/label_2/000001.txt': kitti('Car'),
      'training/image_2/000001.png': png,
      'training/label_2/000002.txt': kitti('Car'),
      'training/image_2/000003.png': png,
      'testing/image_2/000001.png': png,
      'training/calib/000001.txt': 'P0: 1 2\n',
    },
    outcome:
      'kitti detection | Car 2 | train 2 | file-ignored 1, image-unlabelled 2 | error image-missing | warning size-unknown',
  },
  {
    what: 'Open Images: rows of images that do not exist',
    files: {
      'class-descriptions-boxable.csv': '/m/01yrx,Cat\n',
      'train-annotations-bbox.csv': `${openImages}a,xclick,/m/01yrx,1,0.1,0.3,0.2,0.6,0,0,0,0,0\nb,xclick,/m/01yrx,1,0.1,0.3,0.2,0.6,0,0,0,0,0\n`,
      'train/a.png': png,
      'train/c.png': png,
    },
    outcome: 'open-images detection | Cat 1 | train 1 | image-size-unknown 1, image-unlabelled 1',
  },
  {
    what: 'links out of the dataset in YOLO',
    files: { ...yolo, 'classes.txt': 'dog\ncat\n', 'labels/train/c.txt': row(0) },
    links: { 'images/train/c.png': '/etc/hostname' },
    outcome: 'yolo detection | dog 1, cat 1 | train 1, val 1 | image-unsafe-path 1, label-without-image 1',
  },
  {
    what: 'links that lead nowhere in COCO',
    files: {
      'annotations/instances_train.json': coco([{ bbox }, { bbox, image_id: 2 }], { images: [image(1), image(2)] }),
      'train/1.png': png,
    },
    links: { 'train/2.png': '/nowhere/2.png' },
    outcome: 'coco detection | cat 2, dog 0 | train 2 | image-unsafe-path 1 | error image-missing',
  },
]

const ROOTS: readonly StrangersCase[] = [
  {
    what: 'two folders deep with notes and files of macOS',
    files: {
      ...below('archive/fruit-main', {
        ...yolo,
        'data.yaml': 'train: images/train\nval: images/val\nnames: [dog, cat]\n',
      }),
      '__MACOSX/._archive': 'x',
      'archive/LICENSE': 'x',
      'archive/README.md': 'x',
    },
    outcome: 'yolo detection | dog 1, cat 1 | train 1, val 1 | nothing lost',
  },
  {
    what: 'a folder of the same name inside each split (training_set/training_set)',
    files: {
      'training_set/training_set/cats/1.png': png,
      'training_set/training_set/dogs/2.png': png,
      'test_set/test_set/cats/3.png': png,
      'test_set/test_set/dogs/4.png': png,
    },
    outcome: 'imagefolder classification | cats 2, dogs 2 | train 2, test 2 | nothing lost',
  },
  {
    what: 'seg_train/seg_train, seg_test/seg_test and seg_pred',
    files: {
      'seg_train/seg_train/sea/1.png': png,
      'seg_train/seg_train/forest/2.png': png,
      'seg_test/seg_test/sea/3.png': png,
      'seg_test/seg_test/forest/4.png': png,
    },
    outcome: 'imagefolder classification | forest 2, sea 2 | train 2, test 2 | nothing lost',
  },
  {
    what: 'dataset/training_set/cats',
    files: {
      'dataset/training_set/cats/1.png': png,
      'dataset/training_set/dogs/2.png': png,
      'dataset/test_set/cats/3.png': png,
      'dataset/test_set/dogs/5.png': png,
    },
    outcome: 'imagefolder classification | cats 2, dogs 2 | train 2, test 2 | nothing lost',
  },
  {
    what: 'train_images and val_images',
    files: {
      'train_images/cats/1.png': png,
      'train_images/dogs/2.png': png,
      'val_images/cats/3.png': png,
      'val_images/dogs/4.png': png,
    },
    outcome: 'imagefolder classification | cats 2, dogs 2 | train 2, val 2 | nothing lost',
  },
  {
    what: 'one split deeper: data/train, data/validation',
    files: {
      'data/train/cats/1.png': png,
      'data/train/dogs/2.png': png,
      'data/validation/cats/3.png': png,
      'data/validation/dogs/4.png': png,
    },
    outcome: 'imagefolder classification | cats 2, dogs 2 | train 2, val 2 | nothing lost',
  },
  {
    what: 'one folder of a split only',
    files: { 'train/cats/1.png': png, 'train/dogs/2.png': png },
    outcome: 'imagefolder classification | cats 1, dogs 1 | train 2 | nothing lost',
  },
  {
    what: 'YOLO: Train and Valid with labels inside',
    files: {
      'Train/images/a.png': png,
      'Train/labels/a.txt': row(0),
      'Valid/images/b.png': png,
      'Valid/labels/b.txt': row(0),
      'classes.txt': 'dog\n',
    },
    outcome: 'yolo detection | dog 2 | train 1, val 1 | nothing lost',
  },
  {
    what: 'YOLO: images/training, images/validation',
    files: {
      'images/training/a.png': png,
      'labels/training/a.txt': row(0),
      'images/validation/b.png': png,
      'labels/validation/b.txt': row(0),
      'classes.txt': 'dog\n',
    },
    outcome: 'yolo detection | dog 2 | train 1, val 1 | nothing lost',
  },
  {
    what: 'YOLO: paths of another machine in data.yaml',
    files: {
      ...yolo,
      'data.yaml':
        'path: /content/drive/MyDrive/fruit\ntrain: /content/drive/MyDrive/fruit/images/train\nval: C:\\Users\\me\\fruit\\images\\val\nnames: [dog, cat]\n',
    },
    outcome: 'yolo detection | dog 1, cat 1 | train 1, val 1 | nothing lost',
  },
  {
    what: 'YOLO: ../train/images in data.yaml, as Roboflow writes it',
    files: {
      'train/images/a.png': png,
      'train/labels/a.txt': row(0),
      'valid/images/b.png': png,
      'valid/labels/b.txt': row(0),
      'data.yaml': 'train: ../train/images\nval: ../valid/images\ntest: ../test/images\nnc: 1\nnames: [dog]\n',
    },
    outcome: 'yolo detection | dog 2 | train 1, val 1 | split-missing 1',
  },
  {
    what: 'YOLO: data.yaml in a folder of its own',
    files: { ...yolo, 'config/data.yaml': 'train: images/train\nval: images/val\nnames: [dog, cat]\n' },
    outcome: 'yolo detection | dog 1, cat 1 | train 1, val 1 | nothing lost',
  },
  {
    what: 'YOLO: obj.data and obj.names of Darknet',
    files: {
      'obj_train_data/a.png': png,
      'obj_train_data/a.txt': row(0),
      'obj.names': 'dog\n',
      'obj.data': 'classes = 1\ntrain = data/train.txt\nnames = data/obj.names\n',
      'train.txt': 'data/obj_train_data/a.png\n',
    },
    outcome: 'yolo detection | dog 1 | train 1 | nothing lost',
  },
  {
    what: 'YOLO: labels and images in one folder of each split, and notes',
    files: {
      'train/a.png': png,
      'train/a.txt': row(0),
      'val/b.png': png,
      'val/b.txt': row(0),
      'classes.txt': 'dog\n',
      'README.dataset.txt': 'Fruit',
      'README.roboflow.txt': 'x',
    },
    outcome: 'yolo detection | dog 2 | train 1, val 1 | nothing lost',
  },
  {
    what: 'YOLO: two datasets side by side',
    files: {
      ...below('v1', { ...yolo, 'data.yaml': 'train: images/train\nval: images/val\nnames: [dog, cat]\n' }),
      ...below('v2', { ...yolo, 'data.yaml': 'train: images/train\nval: images/val\nnames: [dog, cat]\n' }),
    },
    outcome:
      'The dataset has several YAML files that list classes and images: v1/data.yaml, v2/data.yaml; rename the one to use to data.yaml, or give its folder',
  },
  {
    what: 'COCO: a folder deeper',
    files: below('fruit', { 'annotations/instances_train.json': coco([{ bbox }]), 'images/train/1.png': png }),
    outcome: 'coco detection | cat 1, dog 0 | train 1 | nothing lost',
  },
  {
    what: 'COCO as downloaded: instances, captions, keypoints and stuff of the same images',
    files: {
      'annotations/instances_train2017.json': coco([{ bbox }]),
      'annotations/captions_train2017.json': {
        images: [image(1)],
        annotations: [{ id: 1, image_id: 1, caption: 'a cat' }],
      },
      'annotations/person_keypoints_train2017.json': coco(
        [{ bbox, category_id: 1, keypoints: [12, 12, 2], num_keypoints: 1 }],
        { categories: [{ id: 1, name: 'person', keypoints: ['nose'], skeleton: [] }] },
      ),
      'annotations/stuff_train2017.json': coco([{ bbox, category_id: 92 }], {
        categories: [{ id: 92, name: 'banner' }],
      }),
      'train2017/1.png': png,
    },
    outcome: 'coco detection | cat 1, dog 0 | train 1 | file-ignored 3',
  },
  {
    what: 'COCO: train.json and val.json beside train/ and val/',
    files: {
      'train.json': coco([{ bbox }]),
      'val.json': coco([{ bbox }]),
      'train/1.png': png,
      'val/1.png': plainPng(100, 50, [1, 2, 3]),
    },
    outcome: 'coco detection | cat 2, dog 0 | train 1, val 1 | nothing lost',
  },
  {
    what: 'COCO: Roboflow with train, valid and test',
    files: {
      'train/_annotations.coco.json': coco([{ bbox }]),
      'train/1.png': png,
      'valid/_annotations.coco.json': coco([{ bbox }], { images: [image(1, { file_name: '2.png' })] }),
      'valid/2.png': png,
      'README.dataset.txt': 'x',
    },
    outcome: 'coco detection | cat 2, dog 0 | train 1, val 1 | nothing lost',
  },
  {
    what: 'COCO: annotations_training.json, annotations_validation.json',
    files: {
      'annotations_training.json': coco([{ bbox }]),
      'annotations_validation.json': coco([{ bbox }], { images: [image(1, { file_name: '2.png' })] }),
      'images/1.png': png,
      'images/2.png': png,
    },
    outcome: 'coco detection | cat 2, dog 0 | train 1, val 1 | nothing lost',
  },
  {
    what: 'VOC: VOCdevkit with two years',
    files: {
      'VOCdevkit/VOC2007/Annotations/a.xml': xml('cat', 'a.png'),
      'VOCdevkit/VOC2007/JPEGImages/a.png': png,
      'VOCdevkit/VOC2007/ImageSets/Main/train.txt': 'a\n',
      'VOCdevkit/VOC2012/Annotations/b.xml': xml('dog', 'b.png'),
      'VOCdevkit/VOC2012/JPEGImages/b.png': png,
      'VOCdevkit/VOC2012/ImageSets/Main/val.txt': 'b\n',
    },
    outcome: 'voc detection | cat 1, dog 1 | train 1, val 1 | nothing lost',
  },
  {
    what: 'VOC: XML beside images in train and test',
    files: {
      'train/a.png': png,
      'train/a.xml': xml('cat', 'a.png'),
      'test/b.png': png,
      'test/b.xml': xml('cat', 'b.png'),
    },
    outcome: 'voc detection | cat 2 | train 1, test 1 | nothing lost',
  },
  {
    what: 'VOC: annotations and images, a folder deeper',
    files: { 'faces/annotations/a.xml': xml('cat', 'a.png'), 'faces/images/a.png': png },
    outcome: 'voc detection | cat 1 | no split 1 | nothing lost',
  },
  {
    what: 'LabelMe: train and val',
    files: {
      'train/a.json': labelme([{}]),
      'train/a.png': png,
      'val/b.json': labelme([{}], { imagePath: 'b.png' }),
      'val/b.png': png,
    },
    outcome: 'labelme detection | cow 2 | train 1, val 1 | nothing lost',
  },
  {
    what: 'masks: CamVid',
    files: {
      'train/a.png': png,
      'trainannot/a.png': mask([1, 1, 1, 5, 5]),
      'val/b.png': png,
      'valannot/b.png': mask([1, 1, 1, 5, 5]),
      'classes.txt': 'background\nsky\n',
    },
    outcome: 'masks segmentation | sky 2 | train 1, val 1 | nothing lost',
  },
  {
    what: 'masks: img and ann of MMSegmentation, a folder deeper',
    files: {
      'city/img_dir/train/a.png': png,
      'city/ann_dir/train/a.png': mask([1, 1, 1, 5, 5]),
      'city/img_dir/val/b.png': png,
      'city/ann_dir/val/b.png': mask([1, 1, 1, 5, 5]),
      'city/classes.txt': 'background\nsky\n',
    },
    outcome: 'masks segmentation | sky 2 | train 1, val 1 | nothing lost',
  },
  {
    what: 'Hugging Face: data/train',
    files: {
      'data/train/metadata.jsonl': lines({ file_name: 'a.png', objects: { bbox: [bbox], category: ['cat'] } }),
      'data/train/a.png': png,
      'README.md': '# Fruit\n',
    },
    outcome: 'huggingface detection | cat 1 | train 1 | nothing lost',
  },
  {
    what: 'DOTA: a folder deeper',
    files: {
      'DOTA/train/images/a.png': png,
      'DOTA/train/labelTxt-v1.5/a.txt': '10 20 40 20 40 60 10 60 ship 0\n',
      'DOTA/val/images/b.png': png,
      'DOTA/val/labelTxt-v1.5/b.txt': '10 20 40 20 40 60 10 60 ship 0\n',
    },
    outcome: 'dota obb | ship 2 | train 1, val 1 | nothing lost | warning polygon-outside',
  },
  {
    what: 'an archive that is not unpacked',
    files: { 'dataset.zip': 'PK' },
    outcome: 'The format of "DIR" is unknown: dataset.zip is an archive; unpack it and give its folder',
  },
]

const BAD_FILES: readonly StrangersCase[] = [
  {
    what: 'COCO: one of two files is cut off',
    files: {
      'instances_train.json': coco([{ bbox }]),
      'instances_val.json': '{"images": [{"id": 1, "file_na',
      '1.png': png,
    },
    outcome: 'coco detection | cat 1, dog 0 | train 1 | label-file-invalid 1',
  },
  {
    what: 'COCO: a box of texts that are no numbers',
    files: { 'instances_train.json': coco([{ bbox: ['a', 1, 2, 3] }, { bbox }]), '1.png': png },
    outcome: 'coco detection | cat 1, dog 0 | train 1 | annotation-invalid 1',
  },
  {
    what: 'DICE: one image has a wrong box',
    files: {
      'annotations.json': dice(
        [
          { bbox: [1, 2], bbox_format: 'xywh' },
          { bbox, bbox_format: 'xywh' },
        ],
        {},
      ),
      '1.png': png,
    },
    outcome: 'dice detection | cat 1, dog 0 | no split 1 | annotation-invalid 1',
  },
  {
    what: 'YOLO: one label file is not text, one has words, one has NaN',
    files: {
      'images/a.png': png,
      'labels/a.txt': Buffer.from([0, 1, 2, 255, 254]),
      'images/b.png': png,
      'labels/b.txt': 'dog 0.5 0.5 0.2 0.2\n',
      'images/c.png': png,
      'labels/c.txt': '0 nan 0.5 0.2 0.2\n',
      'images/d.png': png,
      'labels/d.txt': row(0),
      'classes.txt': 'dog\n',
    },
    outcome: 'yolo detection | dog 1 | no split 2 | annotation-invalid 1, label-file-invalid 2',
  },
  {
    what: 'YOLO: an image of zero bytes and one that is a page',
    files: {
      'images/a.png': '',
      'labels/a.txt': row(0),
      'images/b.jpg': '<html>404</html>',
      'labels/b.txt': row(0),
      'images/c.png': png,
      'labels/c.txt': row(0),
      'classes.txt': 'dog\n',
    },
    outcome: 'yolo detection | dog 1 | no split 1 | image-unreadable 2',
  },
  {
    what: 'VOC: an empty file, a file of another root, a box without a side',
    files: {
      'a.xml': '',
      'a.png': png,
      'b.xml': '<html></html>',
      'b.png': png,
      'c.xml': xml('cat', 'c.png', '', [10, 10, Number.NaN, 30]),
      'c.png': png,
      'd.xml': xml('cat', 'd.png'),
      'd.png': png,
    },
    outcome: 'voc detection | cat 1 | no split 2 | annotation-invalid 1, label-file-invalid 2',
  },
  {
    what: 'LabelMe: a shape without points, a file that is a list',
    files: { 'a.json': labelme([{ points: [] }, {}]), 'a.png': png, 'b.json': '[{"shapes": 1}]', 'b.png': png },
    outcome: 'labelme detection | cow 1 | no split 1 | annotation-invalid 1, label-file-invalid 1',
  },
  {
    what: 'Hugging Face: one line is cut off',
    files: {
      'train/metadata.jsonl': `${lines({ file_name: 'a.png', objects: { bbox: [bbox], category: ['cat'] } })}{"file_name": "b.p\n${lines({ file_name: 'c.png', objects: { bbox: [bbox], category: ['cat'] } })}`,
      'train/a.png': png,
      'train/b.png': png,
      'train/c.png': png,
    },
    outcome: 'huggingface detection | cat 2 | train 2 | image-unlabelled 1, label-file-invalid 1',
  },
  {
    what: 'Hugging Face: boxes and categories of different lengths',
    files: {
      'train/metadata.jsonl': lines(
        { file_name: 'a.png', objects: { bbox: [bbox, bbox], category: ['cat'] } },
        { file_name: 'b.png', objects: { bbox: [bbox], category: ['cat'] } },
      ),
      'train/a.png': png,
      'train/b.png': png,
    },
    outcome: 'huggingface detection | cat 2 | train 2 | annotation-of-unknown-class 1',
  },
  {
    what: 'DOTA: one row is cut off',
    files: { 'labelTxt/a.txt': '10 20 40 20 40 60\n10 10 40 10 40 40 10 40 ship 0\n', 'images/a.png': png },
    outcome: 'dota obb | ship 1 | no split 1 | annotation-invalid 1',
  },
  {
    what: 'KITTI: one row has too few numbers',
    files: { 'label_2/a.txt': `${kitti('Car')}Car 0 1\n`, 'image_2/a.png': png },
    outcome: 'kitti detection | Car 1 | no split 1 | annotation-invalid 1',
  },
  {
    what: 'Open Images: a row without numbers',
    files: {
      'class-descriptions-boxable.csv': '/m/01yrx,Cat\n',
      'train-annotations-bbox.csv': `${openImages}a,xclick,/m/01yrx,1,x,0.3,0.2,0.6,0,0,0,0,0\na,xclick,/m/01yrx,1,0.1,0.3,0.2,0.6,0,0,0,0,0\n`,
      'train/a.png': png,
    },
    outcome: 'open-images detection | Cat 1 | train 1 | annotation-invalid 1',
  },
  {
    what: 'VIA: a region without a shape, a shape of texts',
    files: {
      'via.json': via([
        { shape_attributes: {} },
        { shape_attributes: { name: 'rect', x: 'a', y: 1, width: 2, height: 3 } },
        {},
      ]),
      'a.png': png,
    },
    outcome: 'via detection | cat 1 | no split 1 | annotation-invalid 1, annotation-kind-not-supported 1',
  },
  {
    what: 'CVAT: a box without a corner, a polygon of two points',
    files: {
      'annotations.xml': cvat(
        cvatImage(
          '<box label="cat" xtl="10" ytl="10" xbr="30"/><polygon label="cat" points="1,2;3,4"/><box label="cat" xtl="10" ytl="10" xbr="30" ybr="30"/>',
        ),
      ),
      'a.png': png,
    },
    outcome: 'cvat segmentation | cat 1 | no split 1 | annotation-invalid 1, polygon-degenerate 2',
  },
  {
    what: 'Label Studio: a region without a value',
    files: {
      'e.json': [
        {
          data: { image: 'a.png' },
          annotations: [
            {
              result: [
                { type: 'rectanglelabels' },
                {
                  type: 'rectanglelabels',
                  original_width: 100,
                  original_height: 50,
                  value: { x: 10, y: 20, width: 20, height: 40, rectanglelabels: ['cat'] },
                },
              ],
            },
          ],
        },
      ],
      'a.png': png,
    },
    outcome: 'label-studio detection | cat 1 | no split 1 | annotation-kind-not-supported 1',
  },
  {
    what: 'panoptic: a PNG that is damaged and one that does not exist',
    files: {
      'annotations/panoptic_train.json': {
        images: [image(1), image(2), image(3)],
        annotations: [1, 2, 3].map((id) => ({
          image_id: id,
          file_name: `${id}.png`,
          segments_info: [{ id: 1, category_id: 4 }],
        })),
        categories: [{ id: 4, name: 'cat' }],
      },
      'annotations/panoptic_train/1.png': mask([1, 1, 1, 5, 5]),
      'annotations/panoptic_train/2.png': 'x',
      'train/1.png': png,
      'train/2.png': png,
      'train/3.png': png,
    },
    outcome: 'coco-panoptic segmentation | cat 1 | train 1 | image-unlabelled 2, label-file-invalid 2',
  },
  {
    what: 'Supervisely: objects without points, an unknown geometry',
    files: {
      'meta.json': meta,
      'set/ann/a.png.json': supervisely([{ points: {} }, { geometryType: 'cuboid' }, {}]),
      'set/img/a.png': png,
    },
    outcome: 'supervisely detection | cat 1 | no split 1 | annotation-invalid 1, annotation-kind-not-supported 1',
  },
  {
    what: 'Create ML: coordinates that are no numbers',
    files: {
      'a.json': [
        {
          image: 'a.png',
          annotations: [
            { label: 'cat', coordinates: { x: 'a', y: 1, width: 2, height: 2 } },
            { label: 'cat', coordinates: { x: 20, y: 20, width: 10, height: 10 } },
          ],
        },
      ],
      'a.png': png,
    },
    outcome: 'createml detection | cat 1 | no split 1 | annotation-invalid 1',
  },
  {
    what: 'CSV: a row with a side that is no number',
    files: { 'a.csv': `${csvHead}a.png,100,50,cat,x,10,30,30\na.png,100,50,cat,10,10,30,30\n`, 'a.png': png },
    outcome: 'tensorflow-csv detection | cat 1 | no split 1 | annotation-invalid 1',
  },
  {
    what: 'masks: a mask that is no PNG, a mask of another size',
    files: {
      'images/a.png': png,
      'masks/a.png': encodePng({ width: 4, height: 3, channels: 1, data: new Uint8Array(12).fill(1) }),
      'images/b.png': png,
      'masks/b.jpg': 'x',
      'images/c.png': png,
      'masks/c.png': mask([1, 1, 1, 5, 5]),
      'classes.txt': 'dog\n',
    },
    outcome: 'masks segmentation | dog 2 | no split 2 | image-unlabelled 1, label-file-invalid 1 | error size-mismatch',
  },
  {
    what: 'data.yaml that is no YAML',
    files: { ...yolo, 'data.yaml': 'names: [a, b\ntrain: images/train\n' },
    outcome:
      'data.yaml: not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ] at line 2, column 1:',
  },
]
const FORGIVEN: readonly StrangersCase[] = [
  {
    what: 'COCO: ids, sides and flags as text',
    files: {
      'instances_train.json': coco([{ bbox, image_id: '1', category_id: '1', iscrowd: '0', area: '400' }], {
        images: [image(1, { width: '100', height: '50' })],
      }),
      '1.png': png,
    },
    objects: true,
    outcome: 'coco detection | cat 1, dog 0 | train 1 | nothing lost | 1.png: cat box 10,10,20,20',
  },
  {
    what: 'COCO: UTF-16',
    files: { 'instances_train.json': utf16(JSON.stringify(coco([{ bbox }]))), '1.png': png },
    outcome: 'coco detection | cat 1, dog 0 | train 1 | nothing lost',
  },
  {
    what: 'COCO: UTF-16, the other order of bytes',
    files: { 'instances_train.json': utf16be(JSON.stringify(coco([{ bbox }]))), '1.png': png },
    outcome: 'coco detection | cat 1, dog 0 | train 1 | nothing lost',
  },
  {
    what: 'COCO: a byte order mark',
    files: { 'instances_train.json': `\ufeff${JSON.stringify(coco([{ bbox }]))}`, '1.png': png },
    outcome: 'coco detection | cat 1, dog 0 | train 1 | nothing lost',
  },
  {
    what: 'COCO: backslashes, ./ and escaped names',
    files: {
      'instances_train.json': coco([{ bbox }, { bbox, image_id: 2 }, { bbox, image_id: 3 }], {
        images: [
          image(1, { file_name: 'train\\1.png' }),
          image(2, { file_name: './train/2.png' }),
          image(3, { file_name: 'my%20photo.png' }),
        ],
      }),
      'train/1.png': png,
      'train/2.png': png,
      'train/my photo.png': png,
    },
    outcome: 'coco detection | cat 3, dog 0 | train 3 | image-path-guessed 1',
  },
  {
    what: 'DICE: a flat ring',
    files: {
      'annotations_segmentation.json': dice([{ bbox, bbox_format: 'xywh', segmentation: [10, 10, 30, 10, 30, 30] }], {
        task_type: 'instance_segmentation',
      }),
      '1.png': png,
    },
    objects: true,
    outcome: 'dice segmentation | cat 1, dog 0 | no split 1 | nothing lost | 1.png: cat polygon 10,10,20,20',
  },
  {
    what: 'DICE: numbers as text',
    files: { 'annotations.json': dice([{ bbox: ['10', '10', '20', '20'], bbox_format: 'xywh' }]), '1.png': png },
    objects: true,
    outcome: 'dice detection | cat 1, dog 0 | no split 1 | nothing lost | 1.png: cat box 10,10,20,20',
  },
  {
    what: 'DICE: a byte order mark',
    files: { 'annotations.json': `\ufeff${JSON.stringify(dice([{ bbox, bbox_format: 'xywh' }]))}`, '1.png': png },
    outcome: 'dice detection | cat 1, dog 0 | no split 1 | nothing lost',
  },
  {
    what: 'DICE: UTF-16',
    files: { 'annotations.json': utf16(JSON.stringify(dice([{ bbox, bbox_format: 'xywh' }]))), '1.png': png },
    outcome: 'dice detection | cat 1, dog 0 | no split 1 | nothing lost',
  },
  {
    what: 'DICE: backslashes',
    files: {
      'annotations.json': dice([{ bbox, bbox_format: 'xywh' }], {
        images: [{ id: 1, file_name: 'a\\1.png', width: 100, height: 50, annotations: [] }],
      }),
      'a/1.png': png,
    },
    outcome: 'dice detection | cat 0, dog 0 | no image | image-unlabelled 1, image-unsafe-path 1 | error dataset-empty',
  },
  {
    what: 'YOLO: tabs, line ends of Windows and a byte order mark; commas are no YOLO',
    files: {
      'images/a.png': png,
      'labels/a.txt': '\ufeff0\t0.5\t0.5\t0.2\t0.2\r\n',
      'images/b.png': png,
      'labels/b.txt': '0,0.5,0.5,0.2,0.2\n',
      'images/c.png': png,
      'labels/c.txt': '0.0 0.5 0.5 0.2 0.2\n',
      'classes.txt': '\ufeffdog\r\n',
    },
    outcome: 'yolo detection | dog 2 | no split 2 | label-file-invalid 1',
  },
  {
    what: 'YOLO: data.yaml as UTF-16',
    files: { ...yolo, 'data.yaml': utf16('train: images/train\nval: images/val\nnames: [dog, cat]\n') },
    outcome: 'yolo detection | dog 1, cat 1 | train 1, val 1 | nothing lost',
  },
  {
    what: 'VOC: UTF-16 and a byte order mark',
    files: {
      'a.xml': utf16(`<?xml version="1.0" encoding="utf-16"?>${xml('cat', 'a.png')}`),
      'a.png': png,
      'b.xml': `\ufeff${xml('cat', 'b.png')}`,
      'b.png': png,
    },
    outcome: 'voc detection | cat 2 | no split 2 | nothing lost',
  },
  {
    what: 'VOC: paths of Windows, spaces around names and numbers',
    files: {
      'a.xml': `<annotation><folder>x</folder><filename>C:\\data\\a.png</filename><object><name> cat </name><bndbox><xmin> 10 </xmin><ymin>10.0</ymin><xmax>30.5</xmax><ymax>30</ymax></bndbox></object></annotation>`,
      'a.png': png,
    },
    objects: true,
    outcome: 'voc detection | cat 1 | no split 1 | image-unsafe-path 1 | a.png: cat box 10,10,20.5,20',
  },
  {
    what: 'LabelMe: numbers as text, another path, UTF-16',
    files: {
      'a.json': labelme(
        [
          {
            points: [
              ['10', '10'],
              ['30', '30'],
            ],
          },
        ],
        { imagePath: '..\\..\\photos\\a.png', imageWidth: '100', imageHeight: '50' },
      ),
      'a.png': png,
      'b.json': utf16(JSON.stringify(labelme([{}], { imagePath: 'b.png' }))),
      'b.png': png,
    },
    objects: true,
    outcome:
      'labelme detection | cow 2 | no split 2 | image-unsafe-path 1 | a.png: cow box 10,10,20,20 | b.png: cow box 10,10,20,20',
  },
  {
    what: 'CVAT: UTF-16 and paths of Windows',
    files: {
      'annotations.xml': utf16(cvat(cvatImage('<box label="cat" xtl="10" ytl="10" xbr="30" ybr="30"/>', 'sub\\a.png'))),
      'images/sub/a.png': png,
    },
    outcome: 'cvat detection | cat 1 | no split 1 | nothing lost',
  },
  {
    what: 'Hugging Face: numbers as text, UTF-16',
    files: {
      'train/metadata.jsonl': utf16(
        lines({ file_name: 'a.png', objects: { bbox: [['10', '10', '20', '20']], category: ['cat'] } }),
      ),
      'train/a.png': png,
    },
    objects: true,
    outcome: 'huggingface detection | cat 1 | train 1 | nothing lost | train/a.png: cat box 10,10,20,20',
  },
  {
    what: 'Label Studio: numbers as text',
    files: {
      'e.json': [
        studio('/data/local-files/?d=set%5Ca.png', {
          x: '10',
          y: '20',
          width: '20',
          height: '40',
          rectanglelabels: ['cat'],
        }),
      ],
      'set/a.png': png,
    },
    objects: true,
    outcome: 'label-studio detection | cat 1 | no split 1 | nothing lost | set/a.png: cat box 10,10,20,20',
  },
  {
    what: 'VIA: numbers as text, an address as name',
    files: {
      'via.json': via(
        [{ shape_attributes: { name: 'rect', x: '10', y: '10', width: '20', height: '20' } }],
        'https://example.org/set/a.png',
      ),
      'a.png': png,
    },
    objects: true,
    outcome: 'via detection | cat 1 | no split 1 | image-path-guessed 1 | a.png: cat box 10,10,20,20',
  },
  {
    what: 'DOTA: commas and a byte order mark',
    files: { 'labelTxt/a.txt': '\ufeff10,10,40,10,40,40,10,40,ship,0\n', 'images/a.png': png },
    outcome: 'dota obb | ship 1 | no split 1 | nothing lost',
  },
  {
    what: 'CSV: spaces after commas, paths of Windows',
    files: {
      'a.csv': 'filename, width, height, class, xmin, ymin, xmax, ymax\nset\\a.png, 100, 50, cat, 10, 10, 30, 30\n',
      'set/a.png': png,
    },
    outcome: 'tensorflow-csv detection | cat 1 | no split 1 | nothing lost',
  },
]
const AGREE: readonly StrangersCase[] = [
  {
    what: 'a bow tie in DICE',
    files: {
      'annotations_segmentation.json': dice([{ bbox: [10, 5, 40, 40], bbox_format: 'xywh', segmentation: [bowTie] }], {
        task_type: 'instance_segmentation',
      }),
      '1.png': png,
    },
    objects: true,
    outcome: 'dice segmentation | cat 1, dog 0 | no split 1 | nothing lost | 1.png: cat polygon 10,5,40,40',
  },
  {
    what: 'a bow tie in YOLO',
    files: {
      'images/a.png': png,
      'labels/a.txt': '0 0.1 0.1 0.5 0.9 0.5 0.1 0.1 0.9\n0 0.1 0.1 0.5 0.9 0.5 0.1 0.1 0.8 0.05 0.5\n',
      'classes.txt': 'dog\n',
    },
    objects: true,
    outcome:
      'yolo segmentation | dog 2 | no split 1 | nothing lost | images/a.png: dog polygon 10,5,40,40, dog polygon 5,5,45,40',
  },
  {
    what: 'a bow tie in LabelMe',
    files: {
      'a.json': labelme([
        {
          shape_type: 'polygon',
          points: [
            [10, 5],
            [50, 45],
            [50, 5],
            [10, 45],
          ],
        },
      ]),
      'a.png': png,
    },
    objects: true,
    outcome: 'labelme segmentation | cow 1 | no split 1 | nothing lost | a.png: cow polygon 10,5,40,40',
  },
  {
    what: 'a bow tie in CVAT',
    files: {
      'annotations.xml': cvat(cvatImage('<polygon label="cat" points="10,5;50,45;50,5;10,45"/>')),
      'a.png': png,
    },
    objects: true,
    outcome: 'cvat segmentation | cat 1 | no split 1 | nothing lost | a.png: cat polygon 10,5,40,40',
  },
  {
    what: 'a bow tie in Supervisely',
    files: {
      'meta.json': meta,
      'set/ann/a.png.json': supervisely([
        {
          geometryType: 'polygon',
          points: {
            exterior: [
              [10, 5],
              [50, 45],
              [50, 5],
              [10, 45],
            ],
            interior: [],
          },
        },
      ]),
      'set/img/a.png': png,
    },
    objects: true,
    outcome: 'supervisely segmentation | cat 1 | no split 1 | nothing lost | set/img/a.png: cat polygon 10,5,40,40',
  },
  {
    what: 'sides before EXIF in VOC',
    files: {
      'a.xml': xml('cat', 'a.jpg').replace(
        '<width>100</width><height>50</height>',
        '<width>80</width><height>40</height>',
      ),
      'a.jpg': turned,
    },
    outcome: 'voc detection | cat 1 | no split 1 | nothing lost | error size-mismatch',
  },
  {
    what: 'sides before EXIF in LabelMe',
    files: { 'a.json': labelme([{}], { imagePath: 'a.jpg', imageWidth: 80, imageHeight: 40 }), 'a.jpg': turned },
    outcome: 'labelme detection | cow 1 | no split 1 | nothing lost | error size-mismatch',
  },
  {
    what: 'sides before EXIF in CVAT',
    files: {
      'annotations.xml': cvat(
        '<image id="0" name="a.jpg" width="80" height="40"><box label="cat" xtl="10" ytl="10" xbr="30" ybr="30"/></image>',
      ),
      'a.jpg': turned,
    },
    outcome: 'cvat detection | cat 1 | no split 1 | nothing lost | error size-mismatch',
  },
  {
    what: 'sides before EXIF in Label Studio',
    files: {
      'e.json': [
        {
          data: { image: 'a.jpg' },
          annotations: [
            {
              result: [
                {
                  type: 'rectanglelabels',
                  original_width: 80,
                  original_height: 40,
                  value: { x: 10, y: 20, width: 20, height: 40, rectanglelabels: ['cat'] },
                },
              ],
            },
          ],
        },
      ],
      'a.jpg': turned,
    },
    outcome: 'label-studio detection | cat 1 | no split 1 | nothing lost | error size-mismatch',
  },
  {
    what: 'sides before EXIF in DICE',
    files: {
      'annotations.json': dice([], {
        images: [
          {
            id: 1,
            file_name: 'a.jpg',
            width: 80,
            height: 40,
            annotations: [{ id: 1, image_id: 1, class_id: 0, class_name: 'cat', bbox, bbox_format: 'xywh' }],
          },
        ],
      }),
      'a.jpg': turned,
    },
    outcome: 'dice detection | cat 1, dog 0 | no split 1 | nothing lost | error size-mismatch',
  },
  {
    what: 'difficult and truncated in VOC',
    files: { 'a.xml': xml('cat', 'a.png', '<difficult>1</difficult><truncated>1</truncated>'), 'a.png': png },
    objects: true,
    outcome:
      'voc detection | cat 1 | no split 1 | nothing lost | a.png: cat box 10,10,20,20 {"truncated":true,"difficult":true}',
  },
  {
    what: 'ignore in COCO',
    files: {
      'instances_train.json': coco([
        { bbox, ignore: 1 },
        { bbox: [40, 10, 20, 20], iscrowd: 1 },
      ]),
      '1.png': png,
    },
    objects: true,
    outcome:
      'coco detection | cat 2, dog 0 | train 1 | nothing lost | 1.png: cat box 10,10,20,20 {"ignore":1}, cat box 40,10,20,20 crowd',
  },
  {
    what: 'difficult in DOTA',
    files: { 'labelTxt/a.txt': '10 10 40 10 40 40 10 40 ship 1\n', 'images/a.png': png },
    objects: true,
    outcome: 'dota obb | ship 1 | no split 1 | nothing lost | images/a.png: ship obb 10,10,30,30 {"difficult":true}',
  },
  {
    what: 'groups in Open Images',
    files: {
      'class-descriptions-boxable.csv': '/m/01yrx,Cat\n',
      'train-annotations-bbox.csv': `${openImages}a,xclick,/m/01yrx,1,0.1,0.3,0.2,0.6,0,0,1,0,0\n`,
      'train/a.png': png,
    },
    objects: true,
    outcome: 'open-images detection | Cat 1 | train 1 | nothing lost | train/a.png: Cat box 10,10,20,20 crowd',
  },
  {
    what: 'a skeleton from 0 in DICE',
    files: {
      'annotations_pose.json': dice([{ bbox, bbox_format: 'xywh', keypoints: [12, 12, 2, 20, 20, 2] }], {
        task_type: 'keypoint_detection',
        classes: [{ id: 0, name: 'cat', keypoints: ['a', 'b'], skeleton: [[0, 1]] }],
      }),
      '1.png': png,
    },
    objects: true,
    outcome: 'dice pose | cat 1 | no split 1 | nothing lost | 1.png: cat keypoints 10,10,20,20',
  },
  {
    what: 'a rotated rectangle of LabelMe',
    files: {
      'a.json': labelme([
        {
          shape_type: 'rotation',
          points: [
            [45, 15],
            [55, 15],
            [55, 35],
            [45, 35],
          ],
          direction: 1.57,
        },
      ]),
      'a.png': png,
    },
    objects: true,
    outcome: 'labelme detection | cow 1 | no split 1 | nothing lost | a.png: cow obb 45,15,10,20',
  },
  {
    what: 'a rotated box of Label Studio',
    files: {
      'e.json': [studio('a.png', { x: 50, y: 20, width: 20, height: 20, rotation: 90, rectanglelabels: ['cat'] })],
      'a.png': png,
    },
    objects: true,
    outcome: 'label-studio obb | cat 1 | no split 1 | nothing lost | a.png: cat obb 40,10,10,20',
  },
  {
    what: 'a rotated ellipse of CVAT',
    files: {
      'annotations.xml': cvat(cvatImage('<ellipse label="cat" cx="50" cy="25" rx="20" ry="5" rotation="90"/>')),
      'a.png': png,
    },
    objects: true,
    outcome: 'cvat segmentation | cat 1 | no split 1 | polygon-from-circle 1 | a.png: cat polygon 45,5,10,40',
  },
  {
    what: 'groups of CVAT',
    files: {
      'annotations.xml': cvat(
        cvatImage(
          '<polygon label="cat" points="1,2;11,2;11,12" group_id="3"/><polygon label="cat" points="21,2;31,2;31,12" group_id="3"/>',
        ),
      ),
      'a.png': png,
    },
    objects: true,
    outcome:
      'cvat segmentation | cat 2 | no split 1 | nothing lost | a.png: cat polygon 1,2,10,10, cat polygon 21,2,10,10',
  },
  {
    what: 'corners in the wrong order in VOC',
    files: { 'a.xml': xml('cat', 'a.png', '', [30, 30, 10, 10]), 'a.png': png },
    objects: true,
    outcome: 'voc detection | cat 1 | no split 1 | nothing lost | a.png: cat box 10,10,20,20',
  },
  {
    what: 'corners in the wrong order in CSV',
    files: { 'a.csv': `${csvHead}a.png,100,50,cat,30,30,10,10\n`, 'a.png': png },
    objects: true,
    outcome: 'tensorflow-csv detection | cat 1 | no split 1 | nothing lost | a.png: cat box 10,10,20,20',
  },
]
const NO_CLASS: readonly StrangersCase[] = [
  {
    what: 'background in labelmap.txt of boxes',
    files: {
      'Annotations/a.xml': xml('cat', 'a.png'),
      'JPEGImages/a.png': png,
      'labelmap.txt': '# label:color_rgb:parts:actions\nbackground:0,0,0::\ncat:128,0,0::\n',
    },
    outcome: 'voc detection | cat 1 | no split 1 | nothing lost',
  },
  {
    what: '__background__ in classes.txt of VOC',
    files: {
      'Annotations/a.xml': xml('cat', 'a.png'),
      'JPEGImages/a.png': png,
      'classes.txt': '__background__\ncat\n',
    },
    outcome: 'voc detection | __background__ 0, cat 1 | no split 1 | nothing lost',
  },
  {
    what: '__ignore__ and _background_ in labels.txt of LabelMe',
    files: { 'a.json': labelme([{}]), 'a.png': png, 'labels.txt': '__ignore__\n_background_\ncow\n' },
    outcome: 'labelme detection | cow 1 | no split 1 | nothing lost',
  },
  {
    what: 'background in classes.txt of masks',
    files: { 'images/a.png': png, 'masks/a.png': mask([1, 1, 1, 5, 5]), 'classes.txt': '_background_\ndog\n' },
    outcome: 'masks segmentation | dog 1 | no split 1 | nothing lost',
  },
  {
    what: 'the category of a Roboflow project in COCO',
    files: {
      'train/_annotations.coco.json': coco([{ bbox }], {
        categories: [
          { id: 0, name: 'fruits', supercategory: 'none' },
          { id: 1, name: 'apple', supercategory: 'fruits' },
        ],
      }),
      'train/1.png': png,
    },
    outcome: 'coco detection | fruits 0, apple 1 | train 1 | nothing lost',
  },
  {
    what: 'background with number 0 in COCO',
    files: {
      'instances_train.json': coco([{ bbox }], {
        categories: [
          { id: 0, name: '_background_' },
          { id: 1, name: 'apple' },
        ],
      }),
      '1.png': png,
    },
    outcome: 'coco detection | _background_ 0, apple 1 | train 1 | nothing lost',
  },
  {
    what: 'folders of classes beside folders of thumbnails and of tools',
    files: {
      'train/cat/1.png': png,
      'train/dog/2.png': png,
      'train/.thumbnails/1.png': png,
      'train/__pycache__/x.pyc': 'x',
      'train/cat/Thumbs.db': 'x',
      'train/cat/desktop.ini': 'x',
      '.git/config': 'x',
    },
    outcome: 'imagefolder classification | cat 1, dog 1 | train 2 | folder-ignored 3',
  },
  {
    what: 'tools beside YOLO',
    files: {
      ...yolo,
      'classes.txt': 'dog\ncat\n',
      'images/train/@eaDir/a.png/SYNOPHOTO_THUMB_M.png': png,
      'images/train/.ipynb_checkpoints/a-checkpoint.png': png,
      '__MACOSX/images/train/._a.png': 'x',
      '$RECYCLE.BIN/x.png': png,
    },
    outcome: 'yolo detection | dog 1, cat 1 | train 1, val 1 | folder-ignored 4',
  },
  {
    what: 'tools beside VOC',
    files: {
      'Annotations/a.xml': xml('cat', 'a.png'),
      'JPEGImages/a.png': png,
      'Annotations/.ipynb_checkpoints/a-checkpoint.xml': xml('dog', 'a.png'),
      '__MACOSX/Annotations/._a.xml': 'x',
    },
    outcome: 'voc detection | cat 1 | no split 1 | folder-ignored 2',
  },
  {
    what: 'tools beside COCO',
    files: {
      'annotations/instances_train.json': coco([{ bbox }]),
      'annotations/._instances_train.json': 'x',
      'annotations/.ipynb_checkpoints/instances_train-checkpoint.json': coco([{ bbox }]),
      'train/1.png': png,
      'train/.@__thumb/1.png': png,
    },
    outcome: 'coco detection | cat 1, dog 0 | train 1 | folder-ignored 2',
  },
  {
    what: 'images and masks of a folder of PNGs without a table',
    files: { 'dataset/images/a.png': png, 'dataset/masks/a.png': mask([255, 1, 1, 5, 5]) },
    outcome: 'masks segmentation | class_255 1 | no split 1 | class-name-invented 1',
  },
  {
    what: 'images and labels as folders of PNGs',
    files: { 'images/a.png': png, 'labels/a.png': mask([1, 1, 1, 5, 5]) },
    outcome: 'masks segmentation | class_1 1 | no split 1 | class-name-invented 1',
  },
  {
    what: 'JPEGImages alone',
    files: { 'JPEGImages/a.png': png, 'JPEGImages/b.png': png },
    outcome:
      'The format of "DIR" is unknown: its files match none of dice, coco, yolo, voc, labelme, imagefolder, masks, huggingface, dota, webdataset, cvat, label-studio, open-images, kitti, via, coco-panoptic, supervisely, createml, tensorflow-csv',
  },
  {
    what: 'background as a class of CVAT',
    files: {
      'annotations.xml': cvat(
        cvatImage('<box label="cat" xtl="10" ytl="10" xbr="30" ybr="30"/>'),
        '<label><name>background</name></label><label><name>cat</name></label>',
      ),
      'a.png': png,
    },
    outcome: 'cvat detection | background 0, cat 1 | no split 1 | nothing lost',
  },
  {
    what: 'background among the names of data.yaml',
    files: {
      'images/train/a.png': png,
      'labels/train/a.txt': row(1),
      'data.yaml': 'train: images/train\nval: images/train\nnames: [background, dog]\n',
    },
    outcome: 'yolo detection | background 0, dog 1 | train 1 | image-in-several-splits 1 | error split-leak',
  },
]
/** By the kind of the fault that they are instances of. */
export const STRANGERS_CASES = {
  'what is invented': INVENTED,
  'what is passed over': PASSED_OVER,
  'roots and splits': ROOTS,
  'one bad file': BAD_FILES,
  'what is forgiven': FORGIVEN,
  'convert and validate': AGREE,
  'what is no class': NO_CLASS,
}
