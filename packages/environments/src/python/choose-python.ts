import { EnvironmentError } from '../errors.ts'
import { type Environment, findDefaultPython, findPythons, type Python } from './find-pythons.ts'
import { byNewest, satisfies } from './python-versions.ts'

/** The Pythons of this machine, searched for when they are needed. */
export class Pythons {
  readonly #env: Environment
  #default: Promise<Python | undefined> | undefined

  constructor(env: Environment) {
    this.#env = env
  }

  /** The one that `python3` starts, if it satisfies every range; otherwise the newest that does. */
  async choose(ranges: readonly string[]): Promise<Python> {
    this.#default ??= findDefaultPython(this.#env)
    const first = await this.#default
    if (first !== undefined && ranges.every((range) => satisfies(first.version, range))) return first
    // Searched again each time, so that a Python that was just installed is found.
    return choosePython(await findPythons(this.#env), ranges)
  }
}

/** The Python that a trainer gets: the first of the list that satisfies every range. */
function choosePython(pythons: readonly Python[], ranges: readonly string[]): Python {
  const fitting = pythons.find(({ version }) => ranges.every((range) => satisfies(version, range)))
  if (fitting !== undefined) return fitting
  const versions = [...new Set(pythons.map(({ version }) => version))].sort(byNewest)
  const has = versions.length === 0 ? 'no Python at all' : `Python ${versions.join(', ')}`
  throw new EnvironmentError(
    'python_missing',
    `"runtime.python" requires Python ${[...new Set(ranges)].join(' and ')}, but this machine has ${has}. Change "runtime.python", or install such a Python (for example with "uv python install")`,
    { file: 'trainer.json' },
  )
}
