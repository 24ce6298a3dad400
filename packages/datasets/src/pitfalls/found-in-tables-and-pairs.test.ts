import { describe, expect, it } from 'vitest'
import { encodePng } from '../images/encode-png.ts'
import { plainPng } from '../testing/dataset-formats.ts'
import { describeOutcome } from '../testing/describe-outcome.ts'

const png = plainPng(100, 50)
/** A picture of one value: a mask, or a depth. */
const flat = (value: number) =>
  encodePng({ width: 100, height: 50, channels: 1, data: new Uint8Array(100 * 50).fill(value) })
const row = (id: number | string) => `${id} 0.5 0.5 0.2 0.2\n`
const utf16 = (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le')
const openImages =
  'ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside\n'
const openBox = 'a,xclick,/m/01yrx,1,0.1,0.3,0.2,0.6,0,0,0,0,0\n'
const tensorFlow = 'filename,width,height,class,xmin,ymin,xmax,ymax\na.png,100,50,cat,10,10,30,30\n'
const kitti = 'Car 0.00 0 -1.57 10 10 30 30 1.5 1.6 3.7 1.0 1.7 20.0 -1.6\n'
const xml = (name: string, file: string) =>
  `<annotation><filename>${file}</filename><size><width>100</width><height>50</height></size><object><name>${name}</name><bndbox><xmin>10</xmin><ymin>10</ymin><xmax>30</xmax><ymax>30</ymax></bndbox></object></annotation>`
const coco = (id: number) => ({
  images: [{ id, file_name: `${id}.png`, width: 100, height: 50 }],
  categories: [{ id: 1, name: 'cat' }],
  annotations: [{ id: 1, image_id: id, category_id: 1, bbox: [10, 10, 20, 20], area: 400, iscrowd: 0 }],
})
const panoptic = (id: number) => ({
  images: [{ id, file_name: `${id}.png`, width: 100, height: 50 }],
  annotations: [{ image_id: id, file_name: `${id}.png`, segments_info: [{ id: 1, category_id: 4 }] }],
  categories: [{ id: 4, name: 'cat' }],
})
const dice = (...splits: string[]) => ({
  format_version: '1.0',
  task_type: 'object_detection',
  classes: [{ id: 0, name: 'cat' }],
  images: splits.map((split, id) => ({
    id,
    file_name: `${id}.png`,
    width: 100,
    height: 50,
    split,
    annotations: [{ id, class_id: 0, bbox: [10, 10, 20, 20], bbox_format: 'xywh' }],
  })),
})
const yolo = (train: string, val: string) => ({
  [`${train}/images/a.png`]: png,
  [`${train}/labels/a.txt`]: row(0),
  [`${val}/images/b.png`]: png,
  [`${val}/labels/b.txt`]: row(0),
})

type Case = [what: string, files: Record<string, unknown>, outcome: string]
const check = (cases: readonly Case[]) =>
  it.each(cases)('%s', async (_what, files, outcome) => {
    expect(await describeOutcome({ files, objects: true })).toContain(outcome)
  })

describe('tables of spreadsheets', () => {
  const names = { 'class-descriptions-boxable.csv': '/m/01yrx,Cat\n', 'train/a.png': png }
  const found = 'open-images detection | Cat 1 | train 1 | nothing lost | train/a.png: Cat box 10,10,20,20'
  const boxes = 'tensorflow-csv detection | cat 1 | train 1 | nothing lost | train/a.png: cat box 10,10,20,20'
  const table = (content: unknown) => ({ 'train/a.png': png, 'train/_annotations.csv': content })
  check([
    [
      'Open Images: semicolons',
      { ...names, 'train-annotations-bbox.csv': (openImages + openBox).replaceAll(',', ';') },
      found,
    ],
    [
      'Open Images: semicolons, and commas in numbers',
      { ...names, 'train-annotations-bbox.csv': (openImages + openBox).replaceAll(',', ';').replaceAll('.', ',') },
      found,
    ],
    [
      'Open Images: tabs',
      { ...names, 'train-annotations-bbox.csv': (openImages + openBox).replaceAll(',', '\t') },
      found,
    ],
    [
      'Open Images: a byte order mark',
      { ...names, 'train-annotations-bbox.csv': `\ufeff${openImages}${openBox}` },
      found,
    ],
    ['Open Images: UTF-16', { ...names, 'train-annotations-bbox.csv': utf16(openImages + openBox) }, found],
    [
      'Open Images: quotes everywhere',
      { ...names, 'train-annotations-bbox.csv': (openImages + openBox).replace(/[^,\n]+/g, '"$&"') },
      found,
    ],
    [
      'Open Images: ids with a suffix',
      { ...names, 'train-annotations-bbox.csv': openImages + openBox.replace('a,', 'a.png,') },
      found,
    ],
    ['TensorFlow: semicolons', table(tensorFlow.replaceAll(',', ';')), boxes],
    ['TensorFlow: tabs', table(tensorFlow.replaceAll(',', '\t')), boxes],
    ['TensorFlow: a line that names the separator', table(`sep=;\r\n${tensorFlow.replaceAll(',', ';')}`), boxes],
    ['TensorFlow: UTF-16', table(utf16(tensorFlow)), boxes],
    [
      'Hugging Face: semicolons',
      { 'train/a.png': png, 'train/metadata.csv': 'file_name;label\na.png;cat\n' },
      'huggingface classification | cat 1 | train 1 | nothing lost',
    ],
    [
      'Hugging Face: UTF-16',
      { 'train/a.png': png, 'train/metadata.csv': utf16('file_name,label\na.png,cat\n') },
      'huggingface classification | cat 1 | train 1 | nothing lost',
    ],
    [
      'Roboflow: semicolons',
      { 'train/a.png': png, 'train/_classes.csv': 'filename; cat; dog\na.png; 1; 0\n' },
      'tensorflow-csv classification | cat 1 | train 1 | nothing lost',
    ],
    [
      'a table of the classes of masks: semicolons',
      {
        'images/a.png': png,
        'masks/a.png': flat(1),
        'class_dict.csv': 'name;r;g;b\nbackground;0;0;0\ncat;1;1;1\n',
      },
      'masks segmentation | cat 1 | no split 1 | nothing lost',
    ],
    [
      'KITTI: UTF-16',
      { 'training/label_2/a.txt': utf16(kitti), 'training/image_2/a.png': png },
      'kitti detection | Car 1 | train 1 | nothing lost',
    ],
    [
      'DOTA: UTF-16',
      { 'labelTxt/a.txt': utf16('10 10 30 10 30 30 10 30 ship 0\n'), 'images/a.png': png },
      'dota obb | ship 1 | no split 1 | nothing lost',
    ],
    [
      'YOLO: UTF-16',
      { 'images/a.png': png, 'labels/a.txt': utf16(row(0)), 'classes.txt': utf16('cat\n') },
      'yolo detection | cat 1 | no split 1 | nothing lost',
    ],
    [
      'YOLO: numbers of classes with a point',
      { 'images/a.png': png, 'labels/a.txt': row('0.0'), 'classes.txt': 'cat\n' },
      'yolo detection | cat 1 | no split 1 | nothing lost | images/a.png: cat box 40,20,20,10',
    ],
    [
      'Pascal VOC: the encoding of its declaration',
      {
        'Annotations/a.xml': Buffer.from(
          `<?xml version="1.0" encoding="ISO-8859-1"?>${xml('caf\xe9', 'a.png')}`,
          'latin1',
        ),
        'JPEGImages/a.png': png,
      },
      'voc detection | café 1 | no split 1 | nothing lost',
    ],
  ])
})

describe('pictures in pairs are no classes', () => {
  const pairs = (...folders: string[]) =>
    Object.fromEntries(folders.flatMap((folder) => [1, 2].map((name) => [`${folder}/${name}.png`, png])))
  check([
    ['rgb and depth', pairs('rgb', 'depth'), 'it looks like pairs of pictures (depth, rgb)'],
    [
      'color and depth of each split',
      pairs('train/color', 'train/depth', 'test/color', 'test/depth'),
      'it looks like pairs of pictures (',
    ],
    ['rgb and depth of each scene', pairs('one/rgb', 'one/depth', 'two/rgb', 'two/depth'), 'it looks like pairs of'],
    [
      'pictures that are named by their time',
      { 'rgb/1305031102.17.png': png, 'depth/1305031102.16.png': png, 'rgb.txt': '# color images\n' },
      'it looks like pairs of pictures',
    ],
    ['left, right and disparity', pairs('left', 'right', 'disparity'), 'it looks like pairs of pictures'],
    ['visible and infrared', pairs('visible', 'infrared'), 'it looks like pairs of pictures'],
    [
      'visible and infrared below images',
      pairs('images/visible', 'images/infrared'),
      'it looks like pairs of pictures',
    ],
    ['large and small', pairs('HR', 'LR_x4'), 'it looks like pairs of pictures'],
    ['two domains', pairs('trainA', 'trainB', 'testA', 'testB'), 'it looks like pictures of two domains (CycleGAN)'],
    [
      'rgb and depth beside labels of YOLO',
      { ...pairs('rgb', 'depth'), 'labels/1.txt': row(0), 'classes.txt': 'cat\n' },
      'labels/1.txt has no image: expected it in a folder "images" instead of "labels"',
    ],
    ['turns to the left and to the right are classes', pairs('left', 'right'), 'classification | left 2, right 2'],
    ['a depth among things is a class', pairs('depth', 'gauge', 'meter'), 'classification | depth 2, gauge 2, meter 2'],
  ])
})

describe('splits by other names', () => {
  check([
    ['TrainSet and TestSet', { 'TrainSet/cat/a.png': png, 'TestSet/cat/b.png': png }, 'cat 2 | train 1, test 1'],
    ['traindata and valdata', { 'traindata/cat/a.png': png, 'valdata/cat/b.png': png }, 'cat 2 | train 1, val 1'],
    ['numbered folders', { '01_train/cat/a.png': png, '02_val/cat/b.png': png }, 'cat 2 | train 1, val 1'],
    [
      'folds',
      { 'fold1/cat/a.png': png, 'fold2/cat/b.png': png },
      'fold1, fold2 are parts of a dataset, with folders of classes inside',
    ],
    ['folders named fold 1 with images are classes', { 'fold1/a.png': png, 'fold2/b.png': png }, 'fold1 1, fold2 1'],
    [
      'splits of DICE by the names of other tools',
      { 'annotations.json': dice('valid', 'Training'), '0.png': png, '1.png': png },
      'dice detection | cat 2 | train 1, val 1 | nothing lost',
    ],
    [
      'a split of DICE that is none',
      { 'annotations.json': dice('holdout'), '0.png': png },
      'no image | image-invalid 1, image-unlabelled 1 | error dataset-empty',
    ],
    [
      'a column of metadata.csv',
      { 'metadata.csv': 'file_name,label,split\na.png,cat,train\nb.png,cat,validation\n', 'a.png': png, 'b.png': png },
      'huggingface classification | cat 2 | train 1, val 1 | nothing lost',
    ],
    [
      'a member of metadata.jsonl',
      { 'metadata.jsonl': '{"file_name":"a.png","label":"cat","split":"test"}\n', 'a.png': png },
      'huggingface classification | cat 1 | test 1 | nothing lost',
    ],
    [
      'valid: of data.yaml',
      { ...yolo('train', 'valid'), 'data.yaml': 'train: train/images\nvalid: valid/images\nnames: [cat]\n' },
      'yolo detection | cat 2 | train 1, val 1 | nothing lost',
    ],
    [
      'validation: of data.yaml',
      { ...yolo('train', 'dev'), 'data.yaml': 'train: train/images\nvalidation: dev/images\nnames: [cat]\n' },
      'yolo detection | cat 2 | train 1, val 1 | nothing lost',
    ],
    [
      'data.yaml with a test only',
      { 'test/images/a.png': png, 'test/labels/a.txt': row(0), 'data.yaml': 'test: test/images\nnames: [cat]\n' },
      'yolo detection | cat 1 | test 1 | nothing lost',
    ],
    [
      'an image in two lists of YOLO',
      {
        'images/a.png': png,
        'labels/a.txt': row(0),
        'train.txt': 'images/a.png\n',
        'val.txt': 'images/a.png\n',
        'data.yaml': 'train: train.txt\nval: val.txt\nnames: [cat]\n',
      },
      'image-in-several-splits 1 | error split-leak',
    ],
    [
      'an image in two files of COCO',
      { 'annotations/instances_train.json': coco(1), 'annotations/instances_val.json': coco(1), 'images/1.png': png },
      'image-in-several-splits 1 | error split-leak',
    ],
    [
      'trainval of Pascal VOC is no split',
      {
        'Annotations/a.xml': xml('cat', 'a.png'),
        'Annotations/b.xml': xml('cat', 'b.png'),
        'JPEGImages/a.png': png,
        'JPEGImages/b.png': png,
        'ImageSets/Main/trainval.txt': 'a\nb\n',
        'ImageSets/Main/test.txt': 'b\n',
      },
      'voc detection | cat 2 | test 1, no split 1 | nothing lost',
    ],
    [
      'a list of Pascal VOC with an image that does not exist',
      { 'Annotations/a.xml': xml('cat', 'a.png'), 'JPEGImages/a.png': png, 'ImageSets/Main/train.txt': 'a\nghost\n' },
      'voc detection | cat 1 | train 1 | list-line-unmatched 1',
    ],
    [
      'KITTI: testing has no labels',
      { 'training/label_2/1.txt': kitti, 'training/image_2/1.png': png, 'testing/image_2/2.png': png },
      'kitti detection | Car 1 | train 1 | image-unlabelled 1',
    ],
    [
      'COCO panoptic with a folder for each split',
      {
        'annotations/panoptic_train2017.json': panoptic(1),
        'annotations/panoptic_train2017/1.png': flat(1),
        'annotations/panoptic_val2017.json': panoptic(2),
        'annotations/panoptic_val2017/2.png': flat(1),
        'train2017/1.png': png,
        'val2017/2.png': png,
      },
      'coco-panoptic segmentation | cat 2 | train 1, val 1 | nothing lost',
    ],
  ])
})
