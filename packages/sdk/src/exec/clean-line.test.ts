import { expect, it } from 'vitest'
import { cleanLine } from './clean-line.ts'

it.each([
  ['  0%|   | 0/5\r 40%|██ | 2/5\r100%|███| 5/5 [00:01<00:00]', '100%|███| 5/5 [00:01<00:00]'],
  ['\u001b[1;31mred\u001b[0m and \u001b[32mgreen\u001b[m', 'red and green'],
  ['\u001b[2K\r\u001b[36mEpoch 3\u001b[0m\r', 'Epoch 3'],
  ['\u001b]8;;https://example.test\u0007link\u001b]8;;\u0007', 'link'],
  ['50%\b\b\b60%', '60%'],
  ['a\tb\u0000\u0007', 'a\tb'],
  ['\r\r', ''],
])('shows %j as a terminal would', (line, expected) => {
  expect(cleanLine(line)).toBe(expected)
})
