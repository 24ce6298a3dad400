import { expect, test } from 'vitest'
import { localArtifactId } from './local-artifact-id.ts'

test('is the relative path if it is short enough for an id, otherwise the name or a hash', () => {
  expect(localArtifactId('/home/ada/pets/runs/1/best.bin', 'best.bin', '/home/ada/pets')).toBe('runs/1/best.bin')
  const deep = `/srv/${'a-long-folder/'.repeat(20)}checkout`
  expect(localArtifactId('/tmp/pets/runs/1/best.bin', 'best.bin', deep)).toBe('best.bin')
  const long = `${'x'.repeat(80)}.bin`
  const id = localArtifactId(`/tmp/runs/1/${long}`, long, deep)
  expect(id).toMatch(/^[0-9a-f]{32}$/)
  expect(localArtifactId(`/tmp/runs/2/${long}`, long, deep)).not.toBe(id)
  expect(localArtifactId('/tmp/runs/1', 'folder', '/tmp/runs/1')).toBe('folder')
})
