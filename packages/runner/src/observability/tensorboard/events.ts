import type { ExperimentEnd, ExperimentInfo, Point } from '../adapter.ts'
import { bytesField, doubleField, floatField, intField, message } from './protobuf.ts'

// Field numbers are from tensorboard/compat/proto/{event,summary,tensor}.proto and plugins/hparams/plugin_data.proto.
const seconds = (time: Date) => time.getTime() / 1000

/** The first record of every event file. */
export function fileVersion(time: Date): Uint8Array {
  return message(doubleField(1, seconds(time)), bytesField(3, 'brain.Event:2'))
}

export function scalar(point: Pick<Point, 'name' | 'step' | 'value' | 'time'>): Uint8Array {
  const value = message(bytesField(1, point.name), floatField(2, point.value))
  return event(point.time, value, point.step)
}

/** Markdown for the tab "Text". */
export function text(tag: string, markdown: string, time: Date): Uint8Array {
  const DT_STRING = 7
  // A tensor of shape [1]. For a single string tf.summary.text writes one without dimensions; TensorBoard reads both.
  const tensor = message(intField(1, DT_STRING), bytesField(2, new Uint8Array()), bytesField(8, markdown))
  return event(time, message(bytesField(1, tag), bytesField(8, tensor), metadata('text', new Uint8Array())), 0)
}

/** The parameters of an experiment, for the tab "HParams". */
export function hparamsStart(info: ExperimentInfo, time: Date): Uint8Array {
  const entries = Object.entries(info.params).map(([key, value]) =>
    bytesField(1, message(bytesField(1, key), bytesField(2, protoValue(value)))),
  )
  const start = message(
    ...entries,
    bytesField(3, info.jobUrl),
    bytesField(4, info.key),
    doubleField(5, seconds(info.launchedAt ?? info.createdAt)),
  )
  return hparams('_hparams_/session_start_info', bytesField(3, start), time)
}

export function hparamsEnd(end: ExperimentEnd): Uint8Array {
  const STATUS = { succeeded: 1, failed: 2, cancelled: 2 }
  const done = message(intField(1, STATUS[end.state]), doubleField(2, seconds(end.finishedAt)))
  return hparams('_hparams_/session_end_info', bytesField(4, done), end.finishedAt)
}

function hparams(tag: string, content: Uint8Array, time: Date): Uint8Array {
  return event(time, message(bytesField(1, tag), metadata('hparams', content)), 0)
}

function metadata(plugin: string, content: Uint8Array): Uint8Array {
  const data = message(bytesField(1, plugin), ...(content.length === 0 ? [] : [bytesField(2, content)]))
  return bytesField(9, bytesField(1, data))
}

function event(time: Date, value: Uint8Array, step: number): Uint8Array {
  return message(doubleField(1, seconds(time)), intField(2, step), bytesField(5, bytesField(1, value)))
}

/** google.protobuf.Value */
function protoValue(value: string | number | boolean): Uint8Array {
  if (typeof value === 'number') return doubleField(2, value)
  return typeof value === 'boolean' ? intField(4, value ? 1 : 0) : bytesField(3, value)
}
