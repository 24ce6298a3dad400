/** Our statistics as a program of its own: `node describe-ours.ts SOURCE`. */
import { describeDataset, openDataset } from '@trainyard/datasets'

const [source = ''] = process.argv.slice(2)
const { annotations } = await describeDataset(await openDataset(source), { pixels: false })
if (annotations === 0) throw new Error(`${source} has no annotations`)
const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
console.log(JSON.stringify({ cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, peakMegabytes: maxRSS / 1024 }))
