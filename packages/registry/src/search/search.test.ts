import { TrainerList } from '@trainyard/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { insertTrainers, type MadeTrainer } from '../testing/catalogue-fixture.ts'
import { createHarness, type Harness } from '../testing/harness.ts'

/** One line a trainer: name | display name | pulls | task | framework | licence | exports | keywords | description. */
const KNOWN = `
torch/faster-rcnn | Faster R-CNN | 48000 | detection | pytorch | BSD-3-Clause | onnx | two-stage, resnet | Two-stage detector with a region proposal network
torch/mask-rcnn | Mask R-CNN | 52000 | segmentation | pytorch | BSD-3-Clause | onnx | instance, coco | Instance masks with a region proposal network
torch/keypoint-rcnn | Keypoint R-CNN | 8000 | pose | pytorch | BSD-3-Clause | onnx | human | Human keypoints
torch/retinanet | RetinaNet | 21000 | detection | pytorch | BSD-3-Clause | onnx | focal loss | One-stage detector with the focal loss
torch/ssdlite | SSDLite | 9000 | detection | pytorch | BSD-3-Clause | onnx, tflite | mobile | Single shot detector for phones
torch/deeplabv3 | DeepLabV3 | 31000 | segmentation | pytorch | MIT | onnx | atrous, semantic | Semantic segmentation with atrous convolution
torch/resnet | ResNet | 150000 | classification | pytorch | BSD-3-Clause | onnx, torchscript | imagenet | Residual networks, 18 to 152 layers
vision/yolov8 | YOLOv8 | 910000 | detection | pytorch | AGPL-3.0 | onnx, tensorrt, coreml | realtime | Fast detector, also for masks and poses
vision/yolov5 | YOLOv5 | 640000 | detection | pytorch | AGPL-3.0 | onnx, tensorrt | realtime | The detector of many tutorials
vision/yolo-nas | YOLO-NAS | 33000 | detection | pytorch | Apache-2.0 | onnx | realtime, nas | Architecture found by search
vision/yolox | YOLOX | 41000 | detection | pytorch | Apache-2.0 | onnx | anchor-free | Without anchors
megvii/yolo | Yolo | 700 | detection | darknet | MIT | onnx | classic | The original
vision/rt-detr | RT-DETR | 57000 | detection | pytorch | Apache-2.0 | onnx | transformer, realtime | Transformer for detection in real time
vision/detr | DETR | 44000 | detection | pytorch | Apache-2.0 | onnx | transformer | End-to-end detection with transformers
vision/segment-anything | Segment Anything | 210000 | segmentation | pytorch | Apache-2.0 | onnx | sam, promptable | Masks from points and boxes
vision/unet | U-Net | 83000 | segmentation | pytorch | MIT | onnx | medical, biomedical | Segmentation of cells and organs
vision/hrnet_pose | HRNet Pose | 17000 | pose | pytorch | MIT | onnx | human | Keeps high resolution
vision/movenet | MoveNet | 26000 | pose | tensorflow | Apache-2.0 | tflite, tfjs | mobile, human | Fast pose estimation on phones
vision/oriented-rcnn | Oriented R-CNN | 6000 | obb | pytorch | Apache-2.0 | onnx | aerial, dota | Rotated boxes in aerial pictures
vision/yolov8-obb | YOLOv8 OBB | 19000 | obb | pytorch | AGPL-3.0 | onnx | aerial, rotated | Rotated boxes
google/efficientnet | EfficientNet | 120000 | classification | tensorflow | Apache-2.0 | tflite, tfjs | mobile, scaling | Accurate and small
google/mobilenet-v3 | MobileNetV3 | 99000 | classification | tensorflow | Apache-2.0 | tflite, tfjs | mobile | For phones and browsers
google/vit | Vision Transformer | 88000 | classification | jax | Apache-2.0 | onnx | transformer, vit | Patches as words
apple/fastvit | FastViT | 5000 | classification | pytorch | Apple-ASCL | coreml | mobile, iphone | A hybrid network for iPhones
trainyard/tfjs-classifier | TensorFlow.js classifier | 3000 | classification | tfjs | Apache-2.0 | tfjs | browser, javascript | Classifies pictures in the browser
seoul/hangul-ocr | 한글 문자 인식 | 1400 | detection | pytorch | Apache-2.0 | onnx | 한국어, ocr | 간판과 문서의 한글을 찾습니다
seoul/traffic-sign | 교통 표지판 검출 | 900 | detection | pytorch | MIT | onnx | 교통, 도로 | 도로 표지판을 검출합니다
berlin/strassenschilder | Straßenschilder | 300 | detection | pytorch | MIT | onnx | verkehr | Erkennt Verkehrszeichen
acme/pcb-defects | PCB Defects | 2500 | detection | pytorch | MIT | openvino | inspection, factory | Finds scratches and missing parts on circuit boards
acme/leaf-disease | Leaf Disease | 4100 | classification | keras | MIT | tflite | plants, agriculture | Tells sick leaves from healthy ones
acme/license-plates | Licence Plates | 5200 | detection | pytorch | GPL-3.0 | onnx | cars, anpr | Finds number plates
acme/apache-helicopters | Helicopters | 20 | detection | pytorch | MIT | onnx | aircraft | Finds helicopters, such as the Apache
medlab/lung-nodules | Lung Nodules | 1800 | detection | monai | CC-BY-NC-4.0 | onnx | ct, medical | Nodules in CT scans
medlab/cell-count | Cell Count | 950 | segmentation | monai | Apache-2.0 | onnx | microscopy | Counts cells under the microscope
`
  .trim()
  .split('\n')
  .map(parseLine)

function parseLine(line: string): MadeTrainer {
  const [
    name = '',
    displayName = '',
    pulls = '',
    task = '',
    framework = '',
    license = '',
    exports = '',
    keywords = '',
    description = '',
  ] = line.split('|').map((part) => part.trim())
  const list = (text: string) => text.split(',').map((part) => part.trim())
  return {
    name,
    displayName,
    description,
    pulls: Number(pulls),
    tasks: [task as MadeTrainer['tasks'][number]],
    framework,
    license,
    keywords: list(keywords),
    exports: list(exports) as MadeTrainer['exports'],
    reads: ['coco'],
  }
}

/** Small trainers of many teams, so that what is searched for is never alone. */
const OTHERS: MadeTrainer[] = Array.from({ length: 170 }, (_, index) => {
  const things = [
    'bicycle',
    'bottle',
    'forklift',
    'helmet',
    'rust',
    'tomato',
    'whale',
    'potholes',
    'solar-panel',
    'weld',
  ]
  const kinds = [
    ['detector', 'detection', 'Finds'],
    ['segmenter', 'segmentation', 'Outlines'],
    ['classifier', 'classification', 'Sorts'],
  ] as const
  const thing = things[index % things.length] ?? ''
  const [kind, task, verb] = kinds[index % kinds.length] ?? kinds[0]
  return {
    name: `team${index % 17}/${thing}-${kind}${index >= 30 ? `-${index}` : ''}`,
    displayName: `${thing} ${kind}`,
    description: `${verb} each ${thing} in a picture. Small, made for one factory`,
    pulls: (index * 37) % 400,
    tasks: [task],
    framework: ['pytorch', 'tensorflow', 'keras'][index % 3] ?? '',
    license: ['MIT', 'Apache-2.0', 'proprietary'][index % 3] ?? '',
    keywords: ['factory', thing],
    exports: index % 2 === 0 ? ['onnx'] : [],
    reads: ['yolo'],
  }
})

/** Queries as people type them, and the trainers that must come first, in any order. */
const QUERIES: readonly [string, ...string[]][] = [
  ['faster-rcnn', 'torch/faster-rcnn'],
  ['faster rcnn', 'torch/faster-rcnn'],
  ['Faster R-CNN', 'torch/faster-rcnn'],
  ['fasterrcnn', 'torch/faster-rcnn'],
  ['FASTER_RCNN', 'torch/faster-rcnn'],
  ['rcnn', 'torch/mask-rcnn', 'torch/faster-rcnn'],
  ['mask', 'torch/mask-rcnn'],
  ['torch/mask-rcnn', 'torch/mask-rcnn'],
  ['torch/mask-rcnn@^1.2', 'torch/mask-rcnn'],
  ['yolov8', 'vision/yolov8'],
  ['yolo v8', 'vision/yolov8'],
  ['YOLOv8 obb', 'vision/yolov8-obb'],
  ['yolo', 'megvii/yolo'],
  ['yolo nas', 'vision/yolo-nas'],
  ['yol', 'vision/yolov8', 'vision/yolov5'],
  ['yolvo8', 'vision/yolov8'],
  ['segmentaton', 'vision/unet', 'torch/deeplabv3', 'torch/mask-rcnn', 'vision/segment-anything'],
  ['segment anythin', 'vision/segment-anything'],
  ['sam', 'vision/segment-anything'],
  ['unet', 'vision/unet'],
  ['u-net', 'vision/unet'],
  ['u net medical', 'vision/unet'],
  ['retinanet', 'torch/retinanet'],
  ['retinanett', 'torch/retinanet'],
  ['efficentnet', 'google/efficientnet'],
  ['mobilenet v3', 'google/mobilenet-v3'],
  ['mobilenetv3', 'google/mobilenet-v3'],
  ['resnet', 'torch/resnet'],
  [
    'apache',
    'vision/segment-anything',
    'google/efficientnet',
    'google/mobilenet-v3',
    'google/vit',
    'acme/apache-helicopters',
  ],
  ['gpl', 'acme/license-plates'],
  ['cc-by-nc', 'medlab/lung-nodules'],
  ['onnx', 'vision/yolov8', 'vision/yolov5'],
  ['coreml', 'vision/yolov8', 'apple/fastvit'],
  ['tensorrt detection', 'vision/yolov8', 'vision/yolov5'],
  ['tfjs', 'trainyard/tfjs-classifier'],
  ['pose estimation', 'vision/hrnet_pose', 'vision/movenet'],
  ['keypoint detection', 'torch/keypoint-rcnn', 'vision/movenet'],
  ['한글', 'seoul/hangul-ocr'],
  ['한국어', 'seoul/hangul-ocr'],
  ['표지판', 'seoul/traffic-sign'],
  ['교통'.normalize('NFD'), 'seoul/traffic-sign'],
  ['straßenschilder', 'berlin/strassenschilder'],
  ['aerial', 'vision/yolov8-obb', 'vision/oriented-rcnn'],
  ['a trainer for phones', 'google/mobilenet-v3', 'vision/movenet'],
  ['lung', 'medlab/lung-nodules'],
  ['hrnet-pose', 'vision/hrnet_pose'],
  ['medlab', 'medlab/lung-nodules', 'medlab/cell-count'],
  ['transformer detection', 'vision/rt-detr', 'vision/detr'],
  ['number plates', 'acme/license-plates'],
  ['bicycle detector', 'team0/bicycle-detector'],
  ['biycle detecter', 'team0/bicycle-detector'],
  ['potholes-segmenter', 'team7/potholes-segmenter'],
]

describe('searching a catalogue of 200 trainers', () => {
  let harness: Harness
  beforeAll(async () => {
    harness = await createHarness()
    await insertTrainers(harness.registry.context.database.db, [...KNOWN, ...OTHERS])
  })
  afterAll(() => harness.close())

  async function find(query: Record<string, string>): Promise<TrainerList> {
    const response = await harness.request(`/v1/trainers?${new URLSearchParams(query)}`)
    expect([response.status, response.ok ? '' : await response.clone().text()]).toEqual([200, ''])
    return TrainerList.parse(await response.json())
  }
  const namesOf = ({ trainers }: TrainerList) => trainers.map(({ name }) => name)

  it.each(QUERIES)('“%s” shows first %s', async (q, ...first) => {
    expect(
      namesOf(await find({ q }))
        .slice(0, first.length)
        .sort(),
    ).toEqual(first.toSorted())
  })

  it('finds nothing for words that no trainer has', async () => {
    for (const q of ['qqqqqqq', "'); drop table x --", "zzzz' | 'yolo:*", '99999 yolov8'])
      expect([q, (await find({ q })).total]).toEqual([q, 0])
    // Without a word in it, a query is none.
    for (const q of ['&', '🦄', '\u0001'])
      expect([q, (await find({ q })).total]).toEqual([q, KNOWN.length + OTHERS.length])
  })

  it.each(['relevance', 'popular', 'newest', 'name'])(
    'pages through %s without gaps and in one order',
    async (sort) => {
      for (const q of ['', 'detection']) {
        const all = await find({ q, sort, limit: '100' })
        const paged: string[] = []
        let cursor: string | undefined
        do {
          const page = await find({ q, sort, limit: '7', ...Object.fromEntries(cursor ? [['cursor', cursor]] : []) })
          paged.push(...namesOf(page))
          cursor = page.nextCursor
        } while (cursor !== undefined)
        expect(paged).toHaveLength(all.total)
        expect(new Set(paged).size).toBe(all.total)
        expect(paged.slice(0, 100)).toEqual(namesOf(all))
      }
    },
  )

  it('counts every filter in the whole result, under the other filters', async () => {
    const all = [...KNOWN, ...OTHERS]
    const result = await find({ framework: 'tensorflow', export: 'tflite', limit: '1' })
    const expected = all.filter(({ framework, exports }) => framework === 'tensorflow' && exports.includes('tflite'))
    expect(result.total).toBe(expected.length)
    const counted = (facet: keyof TrainerList['facets']) =>
      Object.fromEntries(result.facets[facet].map(({ value, count }) => [value, count]))
    for (const [value, count] of Object.entries(counted('task')))
      expect([value, count]).toEqual([
        value,
        expected.filter(({ tasks }) => tasks.some((task) => task === value)).length,
      ])
    // The filter's own facet counts what another choice would give.
    expect(counted('framework').pytorch).toBe(
      all.filter(({ framework, exports }) => framework === 'pytorch' && exports.includes('tflite')).length,
    )
    expect(counted('license')['Apache-2.0']).toBe(expected.filter(({ license }) => license === 'Apache-2.0').length)
  })

  it('refuses a cursor of another order, and one that was made up', async () => {
    const { nextCursor = '' } = await find({ sort: 'name', limit: '1' })
    for (const cursor of [nextCursor, 'nonsense', Buffer.from('["popular",9,1,1]').toString('base64url')])
      expect((await harness.request(`/v1/trainers?sort=newest&cursor=${cursor}`)).status).toBe(400)
  })
})
