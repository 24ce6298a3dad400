/** Our conversion as a program of its own: `node convert-ours.ts SOURCE TARGET TASK`. */
import { convertDataset } from '@trainyard/datasets'

const [source = '', target = '', task] = process.argv.slice(2)
await convertDataset({ source, target, to: 'yolo', task: task === 'segmentation' ? task : 'detection', images: 'none' })
const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
console.log(JSON.stringify({ cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, peakMegabytes: maxRSS / 1024 }))
