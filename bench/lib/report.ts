/** One line of a bench's table. */
export interface BenchRow {
  what: string
  ours: number
  unit: string
  /** What ours is held against, and its value in the same unit. */
  peer?: { name: string; value: number } | undefined
  /** The budget or the goal, in words. */
  goal: string
}

/** A bench measures and returns rows; `small` is for the smoke test. */
export type Bench = (options: { small: boolean }) => Promise<BenchRow[]>

const round = (value: number): string => value.toPrecision(3)

export function printReport(name: string, commit: string, rows: readonly BenchRow[]): void {
  console.table(
    rows.map(({ what, ours, unit, peer, goal }) => ({
      what,
      ours: `${round(ours)} ${unit}`,
      peer: peer ? `${peer.name}: ${round(peer.value)} ${unit}` : '',
      ratio: peer ? round(ours / peer.value) : '',
      goal,
    })),
  )
  console.log(JSON.stringify({ bench: name, commit, rows }))
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
