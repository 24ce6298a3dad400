/**
 * Thrown when a layer is damaged, exceeds a limit, or could be applied in two ways by different container engines. The message
 * completes "the layer …" and names the entry.
 */
export class LayerRefused extends Error {
  override readonly name = 'LayerRefused'
  readonly code = 'layer_refused'
  /** The digest of the layer. */
  layer: string | undefined
}
