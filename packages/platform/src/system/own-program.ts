/** A program in the folder of a module: `.ts` when it runs from source, `.js` when it is built. */
export function programBeside(moduleUrl: string, name: string): URL {
  return new URL(`./${name}${isSource(moduleUrl) ? '.ts' : '.js'}`, moduleUrl)
}

/** Node options with which a program resolves our packages: their source when it runs from source. */
export function ownExecArgv(program: URL): string[] {
  return isSource(program.pathname) ? ['--conditions=trainyard-source'] : []
}

/** These variables of the environment, so that a child process receives no secrets that it does not need. */
export function pickEnvironment(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])))
}

const isSource = (path: string) => path.endsWith('.ts')
