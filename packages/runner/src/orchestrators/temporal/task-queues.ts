/** Names of the task queues of one platform, and the ids of its workflows. */
export interface TaskQueues {
  /** For workflows, and for verbs that any replica can run. */
  shared: string
  ofHost(host: string): string
  /** @param owner the holder of the process's leases */
  ofProcess(owner: string): string
  workflowId(jobId: number): string
  /** A process that does not report for this long is taken for dead. */
  heartbeatMs: number
}

/** Job numbers start at 1 in each database, and several platforms may share a namespace. */
export function taskQueuesOf({ instanceId, leaseSeconds }: { instanceId: string; leaseSeconds: number }): TaskQueues {
  const shared = `trainyard-${instanceId}`
  return {
    shared,
    ofHost: (host) => `${shared}/host/${host}`,
    ofProcess: (owner) => `${shared}/process/${owner}`,
    workflowId: (jobId) => `${shared}/job/${jobId}`,
    heartbeatMs: leaseSeconds * 1000,
  }
}
