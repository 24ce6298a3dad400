import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigError, type ExportJob, type ExportOutcome } from '@trainyard/sdk'
import { type CheckpointInfo, loadCheckpoint, saveCheckpoint } from '../checkpoints/checkpoint.ts'
import { writeWeightsManifest } from '../checkpoints/weights-manifest.ts'

/** Writes the model in the format asked for, with a `metadata.json` that says how to use it. */
export async function exportModel(job: ExportJob): Promise<ExportOutcome> {
  const format = job.exportFormat
  const { path } = await job.inputs.checkpoint()
  const checkpoint = await loadCheckpoint(path)
  const dir = join(job.workDir, `model-${format}`)
  await mkdir(dir, { recursive: true })
  switch (format) {
    case 'tfjs':
      await writeWeightsManifest(dir, checkpoint)
      break
    case 'safetensors':
      await saveCheckpoint(join(dir, 'model.safetensors'), checkpoint)
      break
    default:
      throw new ConfigError(`This trainer exports to "tfjs" and "safetensors", not to "${format}"`)
  }
  const metadata = describeExport(checkpoint.info, format, new Date())
  await writeFile(join(dir, 'metadata.json'), `${JSON.stringify(metadata, null, 2)}\n`)
  const artifact = await job.artifact('export', dir)
  return { artifactId: artifact.id, metadata }
}

/** `metadata.json`: what goes in, what comes out. */
function describeExport(info: CheckpointInfo, format: string, createdAt: Date): Record<string, unknown> {
  const { spec, classes, normalization } = info
  return {
    framework: 'tensorflow.js',
    model_name: spec.model,
    export_format: format,
    task_type: 'classification',
    input_shape: [1, spec.imageSize, spec.imageSize, spec.channels],
    input_dtype: 'float32',
    output_shape: [1, classes.length],
    class_names: classes,
    num_classes: classes.length,
    top_k: Math.min(5, classes.length),
    created_at: createdAt.toISOString(),
    export_config: spec,
    preprocessing: {
      mean: normalization.mean,
      std: normalization.std,
      color_space: spec.channels === 3 ? 'RGB' : 'GRAY',
      resize_mode: 'stretch',
      normalize: true,
    },
    postprocessing: { activation: 'softmax', apply_nms: false },
  }
}
