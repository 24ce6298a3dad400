import { describe, expect, it } from 'vitest'
import { createProgressLine } from './progress-line.ts'

function show(isTTY: boolean) {
  let text = ''
  const line = createProgressLine({
    isTTY,
    write(part) {
      text += part
    },
  })
  return { line, text: () => text }
}

describe('progress of a local run', () => {
  it('is one line for each epoch without a terminal', () => {
    const { line, text } = show(false)
    line.show({ epoch: 0, totalEpochs: 2, step: 1, totalSteps: 10 })
    line.show({ epoch: 1, totalEpochs: 2, metrics: { loss: 0.123456, top1_accuracy: 1 } })
    expect(text()).toBe('epoch 1/2  loss 0.1235  top1_accuracy 1\n')
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
})
