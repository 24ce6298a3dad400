import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { insertTrainers } from '../testing/catalogue-fixture.ts'
import { createHarness, type Harness } from '../testing/harness.ts'

describe('the name of a first push', () => {
  let harness: Harness
  beforeAll(async () => {
    harness = await createHarness()
    const trainer = {
      displayName: 'Yolo',
      description: '',
      tasks: ['detection' as const],
      framework: 'pytorch',
      license: 'MIT',
      keywords: [],
      exports: [],
      reads: [],
    }
    await insertTrainers(harness.registry.context.database.db, [
      { ...trainer, name: 'vision/yolov8', pulls: 12_345 },
      { ...trainer, name: 'small/helmets', pulls: 999 },
    ])
  })
  afterAll(() => harness.close())

  async function push(name: string, scopes = [`push:${name.slice(0, name.indexOf('/'))}`]) {
    const response = await harness.request(`/v2/${name}/blobs/uploads/`, {
      method: 'POST',
      token: await harness.token(scopes),
    })
    return { status: response.status, text: await response.text() }
  }

  it.each([
    ['visi0n/yolov8', 'it is too like \\"vision/yolov8\\", which has 12,345 pulls'],
    ['visionn/yolo-v8', 'it is too like \\"vision/yolov8\\", which has 12,345 pulls'],
    ['official/yolo', '\\"official\\" is reserved'],
    ['acme/latest', '\\"latest\\" is reserved'],
  ])('refuses %s with the reason and what to do', async (name, reason) => {
    const { status, text } = await push(name)
    expect(status).toBe(403)
    expect(text).toContain('DENIED')
    expect(text).toContain(reason)
    expect(text).toContain('Choose another name')
    expect(await harness.registry.context.identity.listAudit({ subject: name })).toEqual([])
  })

  it.each([['sma1l/helmets'], ['acme/yolov8'], ['vision/yolov88']])('takes %s', async (name) => {
    expect((await push(name)).status).toBe(202)
  })

  it('takes any name from an operator, and then from those who may push to the namespace', async () => {
    expect((await push('visionn/yolov8')).status).toBe(403)
    expect((await push('visionn/yolov8', ['push:*'])).status).toBe(202)
    expect((await push('visionn/yolov8')).status).toBe(202)
  })
})
