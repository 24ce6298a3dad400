import { DEFAULT_BASIC_CONFIG, type TrainerManifest } from '@trainyard/contract'
import type { TrainerDefinition } from '../define-trainer.ts'

/** The text of `--help`. */
export function helpText(program: string, trainer: TrainerDefinition, manifest?: TrainerManifest): string {
  const title = manifest ? `${manifest.displayName} (${manifest.name} ${manifest.version})` : 'Trainyard trainer'
  const operations = (['train', 'predict', 'export'] as const).filter((name) => trainer[name] !== undefined)
  const flags = Object.entries(DEFAULT_BASIC_CONFIG).map(([key, value]) => {
    const property = manifest?.config.schema.properties?.[key]
    const own = typeof property === 'object' && property !== null && 'default' in property ? property.default : value
    return `  --${key.replaceAll('_', '-').padEnd(16)} default ${own}`
  })
  const examples = {
    train: `node ${program} train --dataset ./flowers --epochs 3`,
    predict: `node ${program} predict --images ./pictures --checkpoint runs/1/best.bin`,
    export: `node ${program} export --checkpoint runs/1/best.bin --format ${manifest?.exportFormats[0] ?? 'onnx'} --out ./exported`,
  }
  return `${title}

Usage: node ${program} ${operations.join('|')} [options]

Examples
${operations.map((name) => `  ${examples[name]}`).join('\n')}

Input and output
  --dataset DIR        a dataset, for example DICE or images in {split}/{class}
  --images DIR         predict: the images to predict
  --checkpoint FILE    the checkpoint to predict with, export, or start from
  --format NAME        export: ${manifest?.exportFormats.join(', ') || 'the format to export to'}
  --out DIR            export: the folder for the result
  --runs DIR           the folder for runs (default ./runs)
  --model NAME         ${manifest?.models.map(({ name }) => name).join(', ') || 'the model'}
  --task NAME          ${manifest?.taskTypes.join(', ') || 'the task'}

Settings
${flags.join('\n')}
  --set NAME=VALUE     any other setting of the trainer
  --config FILE|JSON   all settings: {"basic": {…}, "advanced": {…}}

If CALLBACK_URL is set, the trainer runs on a platform instead and reads everything from the environment.
`
}
