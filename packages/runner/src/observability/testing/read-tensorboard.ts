import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import type { SeenExperiment } from '../adapter.cases.ts'

const run = promisify(execFile)

/** A program that reads event files with TensorBoard's own reader. */
const READER = `
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2
acc = EventAccumulator(sys.argv[1], size_guidance={'scalars': 0, 'tensors': 0})
acc.Reload()
tags = acc.Tags()
points = [[t, e.step, repr(e.value), e.wall_time] for t in tags['scalars'] for e in acc.Scalars(t)]
texts = {t: acc.Tensors(t)[-1].tensor_proto.string_val[0].decode() for t in tags['tensors'] if acc.Tensors(t)[-1].tensor_proto.string_val}
def hparams(tag):
    try: content = acc.SummaryMetadata(tag).plugin_data.content
    except KeyError: return None
    return plugin_data_pb2.HParamsPluginData.FromString(content)
start, end = hparams('_hparams_/session_start_info'), hparams('_hparams_/session_end_info')
params = {}
if start:
    for k, v in start.session_start_info.hparams.items():
        params[k] = v.string_value if v.HasField('string_value') else ('%g' % v.number_value if v.HasField('number_value') else str(v.bool_value))
print(json.dumps({'points': points, 'texts': texts, 'params': params, 'status': end.session_end_info.status if end else None}))
`
const Seen = z.object({
  points: z.array(z.tuple([z.string(), z.number(), z.string(), z.number()])),
  texts: z.record(z.string(), z.string()),
  params: z.record(z.string(), z.string()),
  status: z.number().nullable(),
})

/** Reads the event files of a folder. `program` is the path of `tensorboard` in its Python environment. */
export async function readWithTensorboard(program: string, folder: string): Promise<SeenExperiment> {
  const dir = await mkdtemp(join(tmpdir(), 'trainyard-tensorboard-'))
  try {
    const script = join(dir, 'read.py')
    await writeFile(script, READER)
    const { stdout } = await run(join(dirname(program), 'python'), [script, folder], { maxBuffer: 64 * 1024 ** 2 })
    const seen = Seen.parse(JSON.parse(stdout))
    const end = seen.texts.end ?? ''
    const state = end.startsWith('completed') ? 'succeeded' : end.startsWith('cancelled') ? 'cancelled' : 'failed'
    return {
      points: seen.points.map(([name, step, value, seconds]) => ({
        name,
        step,
        value: value === 'inf' ? Infinity : Number(value),
        timeMs: Math.round(seconds * 1000),
      })),
      params: seen.params,
      artifacts: Object.keys(seen.texts),
      lines: [],
      state: seen.status === null ? undefined : state,
    }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}
