import type { ArtifactKind, Job } from '@trainyard/contract'

interface GroupedArtifact {
  kind: ArtifactKind
  name: string
  epoch?: number | undefined
  attempt: number
  createdAt: string
}

export interface ArtifactGroups<T> {
  best: T | undefined
  /** Undefined when the best checkpoint is also the last one. */
  last: T | undefined
  /** Newest first. */
  otherCheckpoints: T[]
  /** Newest first. */
  files: T[]
}

/** Checkpoints that people look for, apart from those that they rarely need. */
export function groupArtifacts<T extends GroupedArtifact>(job: Job, artifacts: readonly T[]): ArtifactGroups<T> {
  // The list is oldest first: of two of the same moment, the later one is newer.
  const newestFirst = artifacts.toReversed().sort((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt))
  const checkpoints = newestFirst.filter(({ kind }) => kind === 'checkpoint')
  const bestEpoch = job.result?.operation === 'train' ? job.result.bestEpoch : undefined
  const best =
    checkpoints.find(({ name }) => isNamed(name, 'best')) ??
    (bestEpoch === undefined
      ? undefined
      : checkpoints.find(({ epoch, attempt }) => epoch === bestEpoch && attempt === job.attempt))
  const last = checkpoints.find(({ name }) => isNamed(name, 'last')) ?? checkpoints[0]
  return {
    best,
    last: last === best ? undefined : last,
    otherCheckpoints: checkpoints.filter((one) => one !== best && one !== last),
    files: newestFirst.filter(({ kind }) => kind !== 'checkpoint'),
  }
}

/** `weights/best.bin` is named "best"; `bestiary.bin` is not. */
function isNamed(path: string, word: 'best' | 'last'): boolean {
  const fileName = path.split('/').at(-1) ?? path
  return new RegExp(`(?:^|[^a-z])${word}(?:[^a-z]|$)`, 'i').test(fileName)
}
