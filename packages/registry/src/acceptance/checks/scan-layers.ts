import type { CheckScanner } from '@trainyard/contract'
import type { ImageLayer } from '@trainyard/validator/image'
import type { z } from 'zod'
import { scanStoredLayer, settingsOf } from '../layer-reader.ts'
import { imagesOf, layersOf } from '../part-images.ts'
import type { LayerJob } from '../scanners/layer-messages.ts'
import type { CheckInput, CheckReporter } from './check.ts'

export interface ScanLayersOptions<T> {
  scanner: CheckScanner
  job: LayerJob
  /** Of the result of the job, as it is stored. */
  schema: z.ZodType<T>
}

/** Runs a job on each layer of a bundle or image. What the same scanner has read before is not read again. */
export async function* scanLayers<T>(
  input: CheckInput,
  { scanner, job, schema }: ScanLayersOptions<T>,
  reporter: CheckReporter,
  signal: AbortSignal,
): AsyncGenerator<{ layer: ImageLayer; result: T }> {
  const { context, part, manifest } = input
  const { images } = await imagesOf(context, part.repository_id, manifest)
  const layers = layersOf(images)
  for (const [index, layer] of layers.entries()) {
    signal.throwIfAborted()
    reporter.advanced({ done: index, total: layers.length, unit: 'layers', what: layer.digest })
    const result = await input.cachedByLayer(
      {
        layerDigest: layer.digest,
        scanner: scanner.name,
        scannerVersion: [scanner.version, scanner.database].join(' '),
        settings: settingsOf(context, layer),
      },
      schema,
      async () =>
        schema.parse(
          await scanStoredLayer(context, layer, job, signal, (path, files) =>
            reporter.advanced({ done: index, total: layers.length, unit: 'layers', what: `${path} (file ${files})` }),
          ),
        ),
    )
    yield { layer, result }
  }
}
