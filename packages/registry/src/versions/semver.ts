import { SemVer, type VersionState } from '@trainyard/contract'
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

/** The highest version, prereleases included. */
export function highestOf(versions: readonly string[]): string | undefined {
  return [...versions].sort(semver.rcompare)[0]
}

/** The highest version in an npm range, a deprecated one only where no other fits. `*` means {@link latestOf}. */
export function newestInRange(
  versions: readonly { version: string; state: VersionState }[],
  range: string,
): string | undefined {
  const names = (those: typeof versions) => those.map(({ version }) => version)
  const newest = (of: string[]) => (range === '*' ? latestOf(of) : (semver.maxSatisfying(of, range) ?? undefined))
  return newest(names(versions.filter(({ state }) => state !== 'deprecated'))) ?? newest(names(versions))
}

export function isRange(range: string): boolean {
  return range === '' || semver.validRange(range) !== null
}

export function newestFirst(a: string, b: string): number {
  return semver.rcompare(a, b)
}
