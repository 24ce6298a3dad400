import type uPlot from 'uplot'
import { formatDuration, formatMetric } from '../format.ts'

export interface Stroke {
  label: string
  /** Chooses colour and dash. */
  run: number
  /** The reported values behind a moving average. */
  faint: boolean
  /** Edges of a band around the mean of several jobs. */
  edge?: boolean | undefined
}

interface PlotLook {
  axis: 'epoch' | 'step' | 'time'
  isLog: boolean
  strokes: readonly Stroke[]
  hidden: ReadonlySet<string>
  /** The first and the third line are the edges of a band. */
  hasBand: boolean
}

/** Lines also differ by dash, for people who cannot tell the colours apart; the same list is in charts.css. */
const DASHES: readonly number[][] = [[], [6, 4], [2, 3], [10, 4, 2, 4], [12, 5], [4, 2]]

const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 50_000, 100_000, 1_000_000, 10_000_000]
const SECONDS = [1, 5, 15, 30, 60, 300, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400, 604_800]

const colourOf = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim()

/** Room for whole labels on the vertical axis: some are as long as 0.00095. There are no labels before the first drawing. */
function widthOf(_plot: uPlot, labels: string[] | null): number {
  const longest = Math.max(0, ...(labels ?? []).map((label) => label.length))
  return Math.max(52, 12 + 8 * longest)
}

/** How uPlot draws a chart. Charts of the same axis share the pointer. */
export function plotOptions({
  axis,
  isLog,
  strokes,
  hidden,
  hasBand,
}: PlotLook): Omit<uPlot.Options, 'width' | 'height'> {
  const look: uPlot.Axis = {
    stroke: colourOf('--ink-soft'),
    grid: { stroke: colourOf('--line'), width: 1 },
    ticks: { show: false },
    font: '12px system-ui, sans-serif',
  }
  return {
    // 12 px at the right keep the last label whole.
    padding: [10, 12, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      points: { size: 7 },
      // The page zooms: all charts of this axis together.
      drag: { x: true, y: false, setScale: false },
      // The pointer only: a drag that each chart took for its own would zoom once for each.
      sync: {
        key: `trainyard-${axis}`,
        setSeries: false,
        scales: ['x', null],
        filters: { pub: (event) => event === 'mousemove' || event === 'mouseleave' },
      },
      bind: { dblclick: () => null },
    },
    scales: { x: { time: false }, y: { distr: isLog ? 3 : 1 } },
    axes: [
      {
        ...look,
        size: 32,
        incrs: axis === 'time' ? SECONDS : STEPS,
        values: (_plot, values) =>
          values.map((value) => (axis === 'time' ? formatDuration(value * 1000) : String(value))),
      },
      { ...look, size: widthOf, values: (_plot, values) => values.map((value) => formatMetric(value)) },
    ],
    series: [
      {},
      ...strokes.map(({ label, run, faint, edge = false }) => ({
        label,
        show: !hidden.has(label),
        stroke: colourOf(`--series-${run % 6}`),
        dash: [...(DASHES[run % 6] ?? [])],
        width: faint || edge ? 1 : 2,
        alpha: faint ? 0.3 : edge ? 0.6 : 1,
        spanGaps: true,
        points: faint || edge ? { show: false } : { size: 5 },
      })),
    ],
    bands: hasBand ? [{ series: [1, 3], fill: `${colourOf('--series-0')}33` }] : [],
  }
}

/** Saves a picture of a chart with its title. */
export async function chartPng(plot: uPlot, title: string): Promise<void> {
  const source = plot.ctx.canvas
  const ratio = devicePixelRatio
  const head = Math.round(32 * ratio)
  const canvas = document.createElement('canvas')
  canvas.width = source.width
  canvas.height = source.height + head
  const context = canvas.getContext('2d')
  if (context === null) return
  context.fillStyle = colourOf('--card')
  context.fillRect(0, 0, canvas.width, canvas.height)
  context.fillStyle = colourOf('--ink')
  context.font = `600 ${Math.round(14 * ratio)}px system-ui, sans-serif`
  context.fillText(title, 12 * ratio, 21 * ratio, canvas.width - 24 * ratio)
  context.drawImage(source, 0, head)
  const blob = await new Promise<Blob | null>((resolve) => {
    canvas.toBlob(resolve, 'image/png')
  })
  if (blob === null) return
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = `${title.replaceAll(/[^\p{L}\p{N}._-]+/gu, '-').slice(0, 100) || 'chart'}.png`
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}
