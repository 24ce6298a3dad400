import type { AddedOperation } from './find-program.ts'

export interface ManifestAddition {
  operation: AddedOperation
  entrypoint: readonly string[]
  /** For an export. */
  format: string
}

/** The text of a manifest with one more entry point. Keys keep their order, and the text its indentation. */
export function addToManifest(text: string, { operation, entrypoint, format }: ManifestAddition): string {
  const plain = text.replace(/^\uFEFF/, '')
  const manifest = JSON.parse(plain) as { entrypoints: Record<string, unknown>; exportFormats?: readonly unknown[] }
  const entrypoints = Object.assign({}, manifest.entrypoints, { [operation]: entrypoint })
  const hasFormats = (manifest.exportFormats ?? []).length > 0
  const edited = Object.entries(manifest).flatMap(([key, value]): [string, unknown][] => {
    if (key === 'entrypoints') return [[key, entrypoints]]
    if (operation === 'predict' || hasFormats) return [[key, value]]
    if (key === 'exportFormats') return []
    return key === 'datasetFormats'
      ? [
          [key, value],
          ['exportFormats', [format]],
        ]
      : [[key, value]]
  })
  const indent = /^[{[]\r?\n([ \t]+)/.exec(plain)?.[1] ?? 2
  return `${JSON.stringify(Object.fromEntries(edited), null, indent)}\n`
}
