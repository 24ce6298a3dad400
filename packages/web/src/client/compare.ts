import type { CompareData } from '../jobs/live-events.ts'
import { createCharts } from './charts.ts'
import { find } from './dom.ts'

const root = find('charts', HTMLElement)
// Sent by our own server, from the same types.
const data = JSON.parse(document.getElementById('compare-data')?.textContent ?? '{}') as CompareData
if (root && data.runs.length > 1) createCharts(root, data)
