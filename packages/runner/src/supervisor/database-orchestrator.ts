import type { RunnerContext } from '../context.ts'
import { claimAttempts, claimJobs, deadOwners, type LeaseOwner } from './leases.ts'
import type { Orchestrator } from './orchestrator.ts'
import { queuePending } from './queue-pending.ts'

/** The rows of jobs are the queue, and leases in them share the work between replicas. Needs nothing beside PostgreSQL. */
export class DatabaseOrchestrator implements Orchestrator {
  readonly #context: RunnerContext
  #owner: LeaseOwner | undefined
  #dead: string[] = []

  constructor(context: RunnerContext) {
    this.#context = context
  }

  async start({ owner }: { owner: LeaseOwner }): Promise<void> {
    this.#owner = owner
  }

  async assigned() {
    if (this.#owner === undefined) return []
    await queuePending(this.#context)
    this.#dead = await deadOwners(this.#context, this.#owner)
    return await claimAttempts(this.#context, this.#owner, { dead: this.#dead })
  }

  async take(slots: number) {
    return this.#owner === undefined ? [] : await claimJobs(this.#context, this.#owner, this.#dead, slots)
  }

  async stop(): Promise<void> {}
}
