import { z } from 'zod'
import { TargetFormat } from './primitives.ts'

/** The field `bridge` of a manifest: the platform runs the entry points behind `trainyard exec`. */
export const Bridge = z.object({
  dataset: TargetFormat.optional().describe(
    'Format in which the program gets the dataset. Default: imagefolder for classification, otherwise dice',
  ),
  ownDataset: z.boolean().optional().describe('Gives the program a writable copy of the dataset. Default: false'),
  pixels: z.enum(['gray', 'rgb']).optional().describe('Also gives the program the images as numbers'),
  graceSeconds: z.number().min(0).max(3600).optional().describe('Time between SIGTERM and SIGKILL. Default: 15'),
  allowNaN: z.boolean().optional().describe('Whether a loss can be NaN or infinite. Default: false'),
})
export type Bridge = z.infer<typeof Bridge>

/** The name of the program that runs other programs as trainers. */
export const BRIDGE_PROGRAM = 'trainyard'

/** The arguments of {@link BRIDGE_PROGRAM} before the program's own. `more` are further ones before the `--`. */
export function bridgeArguments(bridge: Bridge, more: readonly string[] = []): string[] {
  const { dataset, ownDataset = false, pixels, graceSeconds, allowNaN = false } = bridge
  return [
    'exec',
    ...(dataset === undefined ? [] : ['--as', dataset]),
    ...(ownDataset ? ['--own'] : []),
    ...(pixels === undefined ? [] : ['--pixels', pixels]),
    ...(graceSeconds === undefined ? [] : ['--grace', String(graceSeconds)]),
    ...(allowNaN ? ['--allow-nan'] : []),
    ...more,
    '--',
  ]
}
