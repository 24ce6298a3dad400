import * as CDX from '@cyclonedx/cyclonedx-library'
import type { Distribution, InstalledPackage } from './packages/package.ts'

/** A package and the file that describes it. */
export interface LocatedPackage extends InstalledPackage {
  path: string
  /** The digest of its layer. */
  layer: string
}

export interface SbomOptions {
  /** The trainer and its version, as pushed. */
  name: string
  version: string
  /** The digest of the pushed manifest. */
  digest: string
  packages: readonly LocatedPackage[]
  distribution: Distribution | undefined
  createdAt: Date
}

/** Names by which Trivy reads what a package URL does not say. */
const TRIVY = 'aquasecurity:trivy:'

/** The packages as a CycloneDX 1.6 document: https://cyclonedx.org/docs/1.6/json/ */
export function createSbom({ name, version, digest, packages, distribution, createdAt }: SbomOptions): string {
  const bom = new CDX.Models.Bom()
  bom.metadata.timestamp = createdAt
  bom.metadata.component = new CDX.Models.Component(CDX.Enums.ComponentType.Container, name, {
    version,
    bomRef: digest,
    properties: properties({ 'trainyard:digest': digest }),
  })
  if (distribution !== undefined) {
    bom.components.add(
      new CDX.Models.Component(CDX.Enums.ComponentType.OperatingSystem, distribution.id, {
        version: distribution.version,
        bomRef: `os:${distribution.id}`,
      }),
    )
  }
  for (const one of packages) bom.components.add(componentOf(one, distribution))
  const serializer = new CDX.Serialize.JsonSerializer(new CDX.Serialize.JSON.Normalize.Factory(CDX.Spec.Spec1dot6))
  return serializer.serialize(bom, { sortLists: true })
}

function componentOf(one: LocatedPackage, distribution: Distribution | undefined): CDX.Models.Component {
  const purl = packageUrlOf(one, distribution)
  const { group, name } = splitName(one)
  const component = new CDX.Models.Component(CDX.Enums.ComponentType.Library, name, {
    group,
    version: one.version,
    purl,
    bomRef: `${purl}#${one.path}`,
    properties: properties({
      [`${TRIVY}SrcName`]: one.sourceName,
      [`${TRIVY}SrcVersion`]: sourceParts(one).version,
      [`${TRIVY}SrcRelease`]: sourceParts(one).release,
      [`${TRIVY}SrcEpoch`]: sourceParts(one).epoch,
      [`${TRIVY}FilePath`]: one.path,
      [`${TRIVY}LayerDigest`]: one.layer,
    }),
  })
  if (one.license !== undefined) component.licenses.add(new CDX.Models.NamedLicense(one.license))
  return component
}

function properties(values: Readonly<Record<string, string | undefined>>): CDX.Models.PropertyRepository {
  return new CDX.Models.PropertyRepository(
    Object.entries(values).flatMap(([key, value]) =>
      value === undefined || value === '' ? [] : [new CDX.Models.Property(key, value)],
    ),
  )
}

/** Debian's versions are `epoch:version-release`. */
function sourceParts({ type, sourceVersion }: LocatedPackage): { epoch?: string; version?: string; release?: string } {
  if (sourceVersion === undefined) return {}
  if (type !== 'deb') return { version: sourceVersion }
  const [, epoch = '', version = '', release = ''] = /^(?:(\d+):)?(.*?)(?:-([^-]*))?$/.exec(sourceVersion) ?? []
  return { epoch, version, release }
}

function splitName({ type, name }: LocatedPackage): { group: string | undefined; name: string } {
  const slash = type === 'npm' && name.startsWith('@') ? name.indexOf('/') : -1
  return slash < 0 ? { group: undefined, name } : { group: name.slice(0, slash), name: name.slice(slash + 1) }
}

/** https://github.com/package-url/purl-spec */
function packageUrlOf(one: LocatedPackage, distribution: Distribution | undefined): string {
  const { group, name } = splitName(one)
  const isOfSystem = one.type === 'deb' || one.type === 'apk'
  const namespace = isOfSystem ? distribution?.id : group
  const qualifiers = isOfSystem
    ? [
        one.architecture === undefined ? undefined : `arch=${encodeURIComponent(one.architecture)}`,
        distribution === undefined
          ? undefined
          : `distro=${encodeURIComponent(`${distribution.id}-${distribution.version}`)}`,
      ].filter((text) => text !== undefined)
    : []
  const path = [namespace, name].filter((text) => text !== undefined).map(encodeURIComponent)
  const query = qualifiers.length === 0 ? '' : `?${qualifiers.join('&')}`
  return `pkg:${one.type}/${path.join('/')}@${encodeURIComponent(one.version)}${query}`
}
