import { expect, it } from 'vitest'
import { createSbom } from './cyclonedx.ts'

it('lists packages as a CycloneDX 1.6 document, in which Trivy finds the source package', () => {
  const options = {
    name: 'acme/yolo',
    version: '1.2.0',
    digest: 'sha256:abc',
    createdAt: new Date('2026-01-01T00:00:00Z'),
    distribution: { id: 'debian', version: '12' },
  }
  const at = { path: 'var/lib/dpkg/status', layer: 'sha256:1' }
  const sbom = JSON.parse(
    createSbom({
      ...options,
      packages: [
        {
          type: 'deb',
          name: 'libc6',
          version: '2:2.36-9+deb12u4',
          architecture: 'amd64',
          sourceName: 'glibc',
          sourceVersion: '2:2.36-9+deb12u4',
          ...at,
        },
        {
          type: 'npm',
          name: '@scope/pkg',
          version: '1.0.0',
          license: 'MIT',
          path: 'node_modules/@scope/pkg/package.json',
          layer: 'sha256:2',
        },
        { type: 'pypi', name: 'requests', version: '2.31.0', path: 'r.dist-info/METADATA', layer: 'sha256:2' },
      ],
    }),
  )
  expect(sbom).toMatchObject({
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    metadata: { component: { name: 'acme/yolo' } },
  })
  const components = Object.fromEntries(sbom.components.map((one: { name: string }) => [one.name, one]))
  expect(components.debian).toMatchObject({ type: 'operating-system', version: '12' })
  expect(components.libc6.purl).toBe('pkg:deb/debian/libc6@2%3A2.36-9%2Bdeb12u4?arch=amd64&distro=debian-12')
  expect(components.libc6.properties).toEqual(
    expect.arrayContaining([
      { name: 'aquasecurity:trivy:SrcName', value: 'glibc' },
      { name: 'aquasecurity:trivy:SrcEpoch', value: '2' },
      { name: 'aquasecurity:trivy:SrcVersion', value: '2.36' },
      { name: 'aquasecurity:trivy:SrcRelease', value: '9+deb12u4' },
    ]),
  )
  expect(components.pkg).toMatchObject({ group: '@scope', purl: 'pkg:npm/%40scope/pkg@1.0.0' })
  expect(components.requests.purl).toBe('pkg:pypi/requests@2.31.0')
})
