import { Converter, ReflectionKind } from 'typedoc'

/**
 * A schema and the type inferred from it share a name (`export const Job`, `export type Job`): the type is described by the
 * schema's comment.
 */
export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const alias of project.getReflectionsByKind(ReflectionKind.TypeAlias)) {
      if (alias.hasComment()) continue
      const schema = alias.parent?.children?.find(
        (other) => other.name === alias.name && other.kind === ReflectionKind.Variable,
      )
      if (schema?.comment) alias.comment = schema.comment.clone()
    }
  })
}
