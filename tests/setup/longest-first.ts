import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Hundreds of processes, whole platforms, real trainings and benches: begun last, they would run alone while other workers have nothing left. */
const LONG = [
  /\/launchers\/subprocess\/launcher\./,
  /^tests\/e2e\//,
  /^bench\//,
  /\/chaos\//,
  /^scripts\/backup\//,
  /^tests\/lies\//,
  /^packages\/validator\//,
  /^trainers\//,
  /^examples\//,
]

/** A clean clone knows nothing of earlier runs, by which Vitest would put the long files first. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const root = `${this.ctx.config.root}/`
    const rank = ({ moduleId }: TestSpecification) => {
      const index = LONG.findIndex((pattern) => pattern.test(moduleId.replace(root, '')))
      return index === -1 ? LONG.length : index
    }
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b))
  }
}
