/** Runs one prepared statement, in a transaction or not. */
export type Query = <Row>(statement: { name: string; text: string }, values: readonly unknown[]) => Promise<Row[]>

/** A prepared statement with named parameters. */
export interface Statement<Parameters> {
  /** Names the statement in PostgreSQL. */
  name: string
  /** With PostgreSQL's positional parameters. */
  text: string
  /** The values in the order of the positions. */
  values(parameters: Parameters): unknown[]
}

/** `:name`, but not the type of a cast as in `::text`. */
const PARAMETER = /(?<!:):([a-z]\w*)/gi

/** Compiles SQL with parameters such as `:jobId` into a prepared statement. A parameter may occur several times. */
export function defineStatement<Parameters extends object>(name: string, sql: string): Statement<Parameters> {
  const names: string[] = []
  const text = sql.replace(PARAMETER, (_, parameter: string) => {
    if (!names.includes(parameter)) names.push(parameter)
    return `$${names.indexOf(parameter) + 1}`
  })
  return {
    name,
    text,
    values(parameters) {
      const all = new Map<string, unknown>(Object.entries(parameters))
      return names.map((parameter) => {
        if (!all.has(parameter)) throw new Error(`statement ${name}: parameter "${parameter}" is missing`)
        return all.get(parameter)
      })
    },
  }
}
