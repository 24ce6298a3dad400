import { SemVer } from '@trainyard/contract'
import semver from 'semver'

/** Whether a tag is a semantic version in its canonical form. */
export function isVersionTag(tag: string): boolean {
  return SemVer.safeParse(tag).success && semver.valid(tag) === tag
}

/** The version that `latest` refers to: the highest release, or the highest prerelease if there is no release. */
export function latestOf(versions: readonly string[]): string | undefined {
  const sorted = [...versions].sort(semver.rcompare)
  return sorted.find((version) => semver.prerelease(version) === null) ?? sorted[0]
}

/** The highest of `versions` in an npm range. An empty range, `latest` and `*` mean {@link latestOf}. */
export function newestInRange(versions: readonly string[], range: string): string | undefined {
  if (range === '' || range === 'latest' || range === '*') return latestOf(versions)
  return semver.maxSatisfying([...versions], range) ?? undefined
}

export function isRange(range: string): boolean {
  return range === '' || range === 'latest' || semver.validRange(range) !== null
}

export function newestFirst(a: string, b: string): number {
  return semver.rcompare(a, b)
}
