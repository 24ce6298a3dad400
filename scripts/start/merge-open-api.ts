type Named = Record<string, unknown>

export interface OpenApiDocument extends Named {
  info: Named
  paths?: Named
  components?: Record<string, Named>
}

/** One document with the paths and components of several. What several have is the same, and comes from the first one. */
export function mergeOpenApi(documents: readonly OpenApiDocument[]): OpenApiDocument {
  const [first] = documents
  if (first === undefined) throw new Error('expected at least 1 document, got 0')
  const kinds = new Set(documents.flatMap(({ components = {} }) => Object.keys(components)))
  const merge = (parts: readonly (Named | undefined)[]): Named => Object.assign({}, ...parts.toReversed())
  return {
    ...first,
    info: {
      ...first.info,
      title: 'Trainyard',
      description: documents.map(({ info }) => `${info.title}: ${info.description}`).join('\n\n'),
    },
    paths: merge(documents.map(({ paths }) => paths)),
    components: Object.fromEntries(
      [...kinds].map((kind) => [kind, merge(documents.map(({ components }) => components?.[kind]))]),
    ),
  }
}
