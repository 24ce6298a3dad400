import type { Random } from '../random.ts'
import { buildMlp } from './mlp.ts'
import type { Network } from './network.ts'
import { buildPatchMixer } from './patch-mixer.ts'
import type { ModelSpec } from './spec.ts'

/** Builds a network with fresh weights drawn from `random`. The backend must be running. */
export function buildNetwork(spec: ModelSpec, random: Random): Network {
  return spec.model === 'mlp' ? buildMlp(spec, random) : buildPatchMixer(spec, random)
}
