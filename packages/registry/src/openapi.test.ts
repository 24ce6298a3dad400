import { expect, it } from 'vitest'
import { registryOpenApi } from './openapi.ts'

it('describes the routes without a database', () => {
  const document = registryOpenApi() as { openapi: string; paths: Record<string, unknown>; components: object }
  expect(document.openapi).toBe('3.1.0')
  expect(Object.keys(document.paths)).toEqual(
    expect.arrayContaining(['/v1/trainers', '/v1/checks/{id}/live', '/v1/tokens/{id}']),
  )
  expect(JSON.stringify(document.components)).toContain('PublishedManifest')
})
