type Cleanup = () => Promise<unknown>

/** Steps that undo what was opened, run in reverse order. */
export class Cleanups {
  readonly #steps: Cleanup[] = []

  add(step: Cleanup): void {
    this.#steps.push(step)
  }

  /** Runs all steps, even if some of them fail. Throws an AggregateError with the failures. */
  async run(): Promise<void> {
    const failures: unknown[] = []
    for (const step of this.#steps.splice(0).reverse()) await step().catch((error: unknown) => failures.push(error))
    if (failures.length > 0) throw new AggregateError(failures, `cleaning up failed: ${String(failures[0])}`)
  }
}
