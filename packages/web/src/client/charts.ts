import uPlot from 'uplot'
import { formatMetric } from '../format.ts'
import { type ChartGroup, type ChartSeries, groupSeries } from '../jobs/chart-groups.ts'

export interface Charts {
  replace(series: ChartSeries[]): void
  add(points: readonly { name: string; axis: 'epoch' | 'step'; step: number; value: number | null }[]): void
}

/** Lines also differ by dash, for people who cannot tell the colours apart; the same list is in charts.css. */
const DASHES: readonly number[][] = [[], [6, 4], [2, 3], [10, 4, 2, 4], [12, 5], [4, 2]]

/** What uPlot draws smoothly on a phone. */
const MAX_POINTS = 20_000

/** Replaces the server's static charts with interactive ones and keeps them up to date. */
export function createCharts(root: HTMLElement, initial: ChartSeries[]): Charts {
  let series = initial
  const drawn = new Map<string, DrawnChart>()
  let scheduled = false

  function draw(): void {
    scheduled = false
    if (series.length === 0) return
    const groups = groupSeries(series)
    root.querySelector('.charts-empty')?.remove()
    for (const [id, chart] of drawn) {
      if (!groups.some((group) => group.id === id)) {
        chart.destroy()
        drawn.delete(id)
        root.querySelector(`[data-chart="${id}"]`)?.remove()
      }
    }
    for (const figure of root.querySelectorAll<HTMLElement>('[data-chart]')) {
      if (!groups.some((group) => group.id === figure.dataset.chart)) figure.remove()
    }
    for (const group of groups) {
      const signature = group.series.map(({ name }) => name).join('\n')
      const known = drawn.get(group.id)
      if (known?.signature === signature) {
        known.update(group)
        continue
      }
      known?.destroy()
      drawn.set(group.id, new DrawnChart(root, group, signature, known?.hidden ?? new Set()))
    }
    arrange(root, groups)
  }

  /** Draws once for many points. */
  function schedule(): void {
    if (scheduled) return
    scheduled = true
    // Not an animation frame: those stop in hidden tabs, and data would pile up.
    setTimeout(draw, 50)
  }

  draw()
  // A canvas cannot use custom properties: it is drawn again when the colour scheme changes.
  const repaint = () => {
    for (const chart of drawn.values()) chart.destroy()
    drawn.clear()
    draw()
  }
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', repaint)

  return {
    replace(next) {
      series = next
      schedule()
    },
    add(points) {
      for (const { name, axis, step, value } of points) {
        let target = series.find((candidate) => candidate.name === name)
        if (target === undefined) {
          target = { name, axis, points: [] }
          series.push(target)
        }
        addPoint(target, step, value)
      }
      schedule()
    },
  }
}

/** Keeps steps sorted and unique: the last value of a step wins. */
function addPoint(series: ChartSeries, step: number, value: number | null): void {
  const { points } = series
  let index = points.length
  while (index > 0 && (points[index - 1]?.[0] ?? 0) > step) index -= 1
  if (points[index - 1]?.[0] === step) points[index - 1] = [step, value]
  else points.splice(index, 0, [step, value])
  // A page may stay open for days: beyond the limit, the older half is thinned out.
  if (points.length > MAX_POINTS) {
    series.points = points.filter((_, at) => at % 2 === 0 || at > MAX_POINTS / 2)
  }
}

/** One chart with its legend. */
class DrawnChart {
  readonly signature: string
  readonly hidden: Set<string>
  readonly #canvas = document.createElement('div')
  readonly #caption = document.createElement('figcaption')
  readonly #plot: uPlot
  /** Elements of the legend that show the values, in the order of the series. */
  readonly #values: HTMLElement[]
  readonly #resizing: ResizeObserver
  #group: ChartGroup

  constructor(root: HTMLElement, group: ChartGroup, signature: string, hidden: Set<string>) {
    this.signature = signature
    this.hidden = hidden
    this.#group = group
    const legend = document.createElement('ul')
    legend.className = 'legend'
    this.#canvas.className = 'plot'
    this.#canvas.setAttribute('role', 'img')
    figureOf(root, group).replaceChildren(this.#caption, this.#canvas, legend)
    const options = plotOptions(group, hidden, () => this.#showValues())
    this.#plot = new uPlot({ ...this.#size(), ...options }, align(group.series), this.#canvas)
    this.#values = group.series.map(({ name }, index) => this.#addEntry(legend, name, index))
    this.#resizing = new ResizeObserver(() => this.#plot.setSize(this.#size()))
    this.#resizing.observe(this.#canvas)
    this.#describe()
    this.#showValues()
  }

  update(group: ChartGroup): void {
    this.#group = group
    this.#plot.setData(align(group.series))
    this.#describe()
    this.#showValues()
  }

  destroy(): void {
    this.#resizing.disconnect()
    this.#plot.destroy()
  }

  #size(): { width: number; height: number } {
    const { clientWidth } = this.#canvas
    return { width: Math.max(240, clientWidth), height: clientWidth < 420 ? 200 : 250 }
  }

  /** A button that hides and shows a series. Returns the element for its value. */
  #addEntry(legend: HTMLElement, name: string, index: number): HTMLElement {
    const item = document.createElement('li')
    const button = document.createElement('button')
    button.type = 'button'
    button.setAttribute('aria-pressed', String(!this.hidden.has(name)))
    const label = document.createElement('span')
    label.textContent = name
    // Not an <output>: screen readers would announce every point.
    const value = document.createElement('span')
    value.className = 'value'
    button.append(swatch(index), label, value)
    button.addEventListener('click', () => {
      if (!this.hidden.delete(name)) this.hidden.add(name)
      button.setAttribute('aria-pressed', String(!this.hidden.has(name)))
      this.#plot.setSeries(index + 1, { show: !this.hidden.has(name) })
    })
    item.append(button)
    legend.append(item)
    return value
  }

  /** The values at the pointer, or the last ones. */
  #showValues(): void {
    const at = this.#plot.cursor.idx
    for (const [index, output] of this.#values.entries()) {
      const column = this.#plot.data[index + 1]
      const value = at === null || at === undefined ? lastOf(column) : column?.[at]
      output.textContent = formatMetric(value ?? null)
    }
    const step = at === null || at === undefined ? undefined : this.#plot.data[0]?.[at]
    const { title, axis } = this.#group
    this.#caption.textContent = step === undefined ? title : `${title} · ${axis} ${step}`
  }

  #describe(): void {
    const { title, series } = this.#group
    const last = series.map(({ name, points }) => `${name} ${formatMetric(points.at(-1)?.[1] ?? null)}`)
    this.#canvas.setAttribute(
      'aria-label',
      `${title}. Last values: ${last.join(', ')}. All values are in the table below.`,
    )
    this.#canvas.dataset.points = String(series.reduce((sum, { points }) => sum + points.length, 0))
  }
}

function plotOptions(group: ChartGroup, hidden: ReadonlySet<string>, onCursor: () => void) {
  const style = getComputedStyle(document.documentElement)
  const colour = (name: string) => style.getPropertyValue(name).trim()
  const axis: uPlot.Axis = {
    stroke: colour('--ink-soft'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
    font: '12px system-ui, sans-serif',
  }
  return {
    // 12 px at the right keep the last label whole.
    padding: [10, 12, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { size: 7 }, drag: { x: true, y: false } },
    scales: { x: { time: false } },
    axes: [
      {
        ...axis,
        size: 32,
        incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 50_000, 100_000, 1_000_000],
      },
      { ...axis, size: 52, values: (_plot, values) => values.map((value) => formatMetric(value)) },
    ],
    series: [
      {},
      ...group.series.map(({ name }, index) => ({
        label: name,
        show: !hidden.has(name),
        stroke: colour(`--series-${index % 6}`),
        dash: [...(DASHES[index % 6] ?? [])],
        width: 2,
        spanGaps: true,
        points: { size: 5 },
      })),
    ],
    hooks: { setCursor: [onCursor] },
  } satisfies Omit<uPlot.Options, 'width' | 'height'>
}

/** Orders the charts as their groups, independent of which received its first point first. */
function arrange(root: HTMLElement, groups: readonly ChartGroup[]): void {
  const order = groups.map(({ id }) => id)
  const figures = [...root.querySelectorAll<HTMLElement>('[data-chart]')]
  if (figures.every((figure, index) => figure.dataset.chart === order[index])) return
  figures.sort((a, b) => order.indexOf(a.dataset.chart ?? '') - order.indexOf(b.dataset.chart ?? ''))
  root.append(...figures)
}

function figureOf(root: HTMLElement, group: ChartGroup): HTMLElement {
  const present = root.querySelector<HTMLElement>(`[data-chart="${group.id}"]`)
  if (present) return present
  const figure = document.createElement('figure')
  figure.className = 'chart'
  figure.dataset.chart = group.id
  root.append(figure)
  return figure
}

function swatch(index: number): SVGSVGElement {
  const namespace = 'http://www.w3.org/2000/svg'
  const svg = document.createElementNS(namespace, 'svg')
  svg.setAttribute('class', `swatch line-${index % 6}`)
  svg.setAttribute('viewBox', '0 0 24 8')
  svg.setAttribute('aria-hidden', 'true')
  const path = document.createElementNS(namespace, 'path')
  path.setAttribute('d', 'M1 4h22')
  svg.append(path)
  return svg
}

/** uPlot needs one x axis: the union of the steps, with gaps where a series has no point. */
function align(series: readonly ChartSeries[]): uPlot.AlignedData {
  const tables: uPlot.AlignedData[] = series.map(({ points }) => [
    points.map(([step]) => step),
    points.map(([, value]) => value),
  ])
  const first = tables[0]
  if (first === undefined) return [[]]
  return tables.length === 1 ? first : uPlot.join(tables)
}

function lastOf(column: ArrayLike<number | null | undefined> | undefined): number | null {
  for (let index = (column?.length ?? 0) - 1; index >= 0; index -= 1) {
    const value = column?.[index]
    if (value !== null && value !== undefined) return value
  }
  return null
}
