import { describe, expect, it } from 'vitest'
import { createProgressLine } from './progress-line.ts'

function show(isTTY: boolean, columns?: number) {
  let text = ''
  let now = 0
  const output = {
    isTTY,
    write(part: string) {
      text += part
    },
  }
  const line = createProgressLine(columns === undefined ? output : Object.assign(output, { columns }), () => now)
  return {
    line,
    text: () => text,
    wait(ms: number) {
      now += ms
    },
  }
}

describe('progress of a local run', () => {
  it('is one line for each epoch without a terminal', () => {
    const { line, text } = show(false)
    line.show({ epoch: 1, totalEpochs: 2, metrics: { loss: 0.123456, top1_accuracy: 1 } })
    line.show({ epoch: 2, totalEpochs: 2 })
    expect(text()).toBe('epoch 1/2  loss 0.1235  top1_accuracy 1\nepoch 2/2\n')
  })

  it('is a line for each tenth of the steps without a terminal, also with metrics', () => {
    const { line, text } = show(false)
    for (let step = 1; step <= 20_000; step++) line.show({ step, totalSteps: 20_000, metrics: { loss: 1 / step } })
    expect(text().split('\n').length).toBeLessThanOrEqual(13)
    expect(text()).toContain('step 20000/20000')
  })

  it('is a line after ten seconds if the number of steps is not known', () => {
    const { line, text, wait } = show(false)
    for (let step = 1; step <= 1000; step++) {
      line.show({ epoch: 0, step, metrics: { loss: 1 } })
      wait(100)
    }
    expect(text().split('\n').length).toBeLessThanOrEqual(12)
    expect(text().split('\n').length).toBeGreaterThanOrEqual(9)
  })

  it('is a bar on a terminal, which other lines end', () => {
    const { line, text } = show(true)
    line.show({ epoch: 1, totalEpochs: 2 })
    line.interrupt()
    line.show({ epoch: 2, totalEpochs: 2 })
    line.interrupt()
    const half = `[${'█'.repeat(12)}${'░'.repeat(12)}]`
    expect(text()).toBe(`\r\u001b[2K${half} epoch 1/2\n\r\u001b[2K[${'█'.repeat(24)}] epoch 2/2\n`)
  })

  it('fits into a narrow terminal', () => {
    const { line, text } = show(true, 40)
    line.show({ epoch: 1, totalEpochs: 2, metrics: { loss: 0.5, 'a-long-name-of-a-metric': 1 } })
    expect(text().replace('\r\u001b[2K', '')).toHaveLength(39)
  })
})
