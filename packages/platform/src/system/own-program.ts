/** The program of that name: beside the module as source, and beside the bundle once built. */
export function programBeside(moduleUrl: string, name: string): URL {
  return new URL(`./${name}${isSource(moduleUrl) ? '.ts' : '.js'}`, moduleUrl)
}

/** Options of Node with which a program finds what it imports of ours. */
export function ownExecArgv(program: URL): string[] {
  return isSource(program.pathname) ? ['--conditions=trainyard-source'] : []
}

/** Of this process' environment, these: what is forked knows no secret that it has no use for. */
export function pickEnvironment(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])))
}

const isSource = (path: string) => path.endsWith('.ts')
