import { expect, it } from 'vitest'
import { findReservedWord } from './reserved-names.ts'
import { areConfusable } from './similar-names.ts'

it.each([
  ['t0rch/faster-rcnn', 'torch/faster-rcnn'],
  ['torch/faster-rcnn', 't-o.rch/faster_rcnn'],
  ['torchh/faster-rcnn', 'torch/faster-rcnn'],
  ['trocharm/yolov8', 'torcharm/yolov8'],
  ['visi0n/yo1ov8', 'vision/yolov8'],
  ['rnegvii/yolo', 'megvii/yolo'],
  ['vvision/yolo', 'wision/yolo'],
  ['torch-faster/rcnn', 'torch/faster-rcnn'],
  ['team1/helmets', 'teaml/helmets'],
])('“%s” can be taken for “%s”', (name, other) => {
  expect([areConfusable(name, other), areConfusable(other, name)]).toEqual([true, true])
})

it.each([
  ['torch/faster-rcnn', 'torch/faster-rcnnn'],
  ['acme/yolov8', 'vision/yolov8'],
  ['team1/helmets', 'team2/helmets'],
  ['torch2/faster-rcnn', 'torch/faster-rcnn'],
  ['vision/yolov5', 'visions/yolov8'],
  ['abc/yolo', 'abd/yolo'],
  ['torch/unet', 'torchy/resnet'],
])('“%s” is a name apart from “%s”', (name, other) => {
  expect([areConfusable(name, other), areConfusable(other, name)]).toEqual([false, false])
})

it.each([
  ['official/yolo', 'official'],
  ['of-fi.cial/yolo', 'official'],
  ['admin/tools', 'admin'],
  ['acme/latest', 'latest'],
  ['acme/un_defined', 'undefined'],
  ['acme/official', undefined],
  ['latest/yolo', undefined],
  ['officials/yolo', undefined],
])('the reserved word of “%s” is %s', (name, word) => {
  expect(findReservedWord(name)).toBe(word)
})
