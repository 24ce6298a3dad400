import uPlot from 'uplot'
import { formatDuration, formatMetric } from '../format.ts'
import type { ChartSeries, ChartSpec } from '../jobs/chart-groups.ts'
import { t } from '../words/t.ts'
import { axisInEffect, overAxis, positive, type Spread, smooth, spreadOf, type XY } from './chart-math.ts'
import { chartPng, plotOptions, type Stroke } from './chart-plot.ts'
import type { ChartSettings } from './chart-toolbar.ts'

export interface BoxContext {
  settings: ChartSettings
  /** All series of the run that a line belongs to: they tell the time of steps and epochs. */
  seriesOf(run: number): readonly ChartSeries[]
  /** Address of the values as CSV, where the page has one. */
  csvUrl?: ((name: string) => string) | undefined
  /** The user zoomed the box to a part of its axis, or back to the whole. */
  zoomed(box: ChartBox, range: ZoomRange | undefined): void
}

export interface ZoomRange {
  min: number
  max: number
}

type Axis = 'epoch' | 'step' | 'time'

/** One chart: caption with the value at the pointer, plot, legend, and its files. Drawn only while it is on the screen. */
export class ChartBox {
  readonly figure: HTMLElement
  #spec: ChartSpec
  readonly #context: BoxContext
  readonly #hidden = new Set<string>()
  readonly #caption = document.createElement('figcaption')
  readonly #readout = document.createElement('span')
  readonly #canvas = document.createElement('div')
  readonly #legend = document.createElement('ul')
  #values: HTMLElement[] = []
  /** The lines of the legend: those of the chart, or the mean and the edges of its band. */
  #entries: Pick<Stroke, 'label' | 'run'>[] = []
  #plot: uPlot | undefined
  #signature = ''
  #axis: Axis
  #range: ZoomRange | undefined
  #visible = false
  #stale = true
  readonly #seen: IntersectionObserver
  readonly #resizing: ResizeObserver

  constructor(figure: HTMLElement, spec: ChartSpec, context: BoxContext) {
    this.figure = figure
    this.#spec = spec
    this.#context = context
    this.#axis = spec.axis
    this.#build()
    this.#seen = new IntersectionObserver(
      ([entry]) => {
        this.#visible = entry?.isIntersecting ?? false
        if (this.#visible && this.#stale) this.#draw()
      },
      { rootMargin: '300px' },
    )
    this.#seen.observe(figure)
    this.#resizing = new ResizeObserver(() => this.#plot?.setSize(this.#size()))
    this.#resizing.observe(this.#canvas)
  }

  /** What the horizontal axis counts now. Boxes with the same axis zoom and point together. */
  get axis(): Axis {
    return this.#axis
  }

  get range(): ZoomRange | undefined {
    return this.#range
  }

  get spec(): ChartSpec {
    return this.#spec
  }

  update(spec: ChartSpec): void {
    this.#spec = spec
    this.#stale = true
    this.#describe()
    if (this.#visible) this.#draw()
  }

  zoomTo(range: ZoomRange | undefined): void {
    this.#range = range
    this.#stale = true
    if (this.#visible) this.#draw()
  }

  /** Draws again with other colours. */
  repaint(): void {
    this.#signature = ''
    this.update(this.#spec)
  }

  destroy(): void {
    this.#seen.disconnect()
    this.#resizing.disconnect()
    this.#plot?.destroy()
    this.figure.remove()
  }

  #build(): void {
    const name = document.createElement('bdi')
    name.textContent = this.#spec.title
    this.#readout.className = 'readout'
    this.#caption.append(name, this.#readout)
    this.#canvas.className = 'plot'
    this.#canvas.tabIndex = 0
    this.#canvas.setAttribute('role', 'group')
    this.#canvas.addEventListener('keydown', (event) => this.#press(event))
    this.#canvas.addEventListener('dblclick', () => this.#context.zoomed(this, undefined))
    this.#legend.className = 'legend'
    const files = document.createElement('p')
    files.className = 'chart-files'
    const png = document.createElement('button')
    png.type = 'button'
    png.className = 'quiet'
    png.textContent = 'PNG'
    png.setAttribute('aria-label', t('Save {title} as PNG', { title: this.#spec.title }))
    png.addEventListener('click', () => {
      if (this.#plot) void chartPng(this.#plot, this.#spec.title)
    })
    files.append(png)
    const csvUrl = this.#context.csvUrl?.(this.#spec.title)
    if (csvUrl !== undefined) {
      const csv = document.createElement('a')
      csv.href = csvUrl
      csv.textContent = 'CSV'
      csv.setAttribute('aria-label', t('Save {title} as CSV', { title: this.#spec.title }))
      files.append(csv)
    }
    this.figure.replaceChildren(this.#caption, this.#canvas, this.#legend, files)
    this.#describe()
  }

  #draw(): void {
    this.#stale = false
    const { settings } = this.#context
    const first = this.#spec.lines[0]
    if (first === undefined) return
    const axis = axisInEffect(first.series, settings.axis, this.#context.seriesOf(first.run))
    if (axis !== this.#axis) this.#range = undefined
    this.#axis = axis
    const { tables, strokes, isLog, hasBand } = this.#lines()
    this.#entries = strokes.filter(({ faint }) => !faint)
    const data = tables.length === 1 && tables[0] !== undefined ? tables[0] : uPlot.join(tables)
    const signature = JSON.stringify([axis, isLog, hasBand, settings.smoothing > 0, strokes.map(({ label }) => label)])
    if (this.#plot === undefined || signature !== this.#signature) {
      this.#signature = signature
      this.#plot?.destroy()
      const options = plotOptions({ axis, isLog, strokes, hasBand, hidden: this.#hidden })
      options.hooks = { setCursor: [() => this.#showValues()], setSelect: [(plot) => this.#selected(plot)] }
      this.#plot = new uPlot({ ...options, ...this.#size() }, data, this.#canvas)
      this.#fillLegend()
    } else this.#plot.setData(data, this.#range === undefined)
    if (this.#range !== undefined) this.#plot.setScale('x', this.#range)
    this.#showValues()
  }

  /** A table for each line; with smoothing, the values as they were reported are faint behind the average. */
  #lines(): { tables: XY[]; strokes: Stroke[]; isLog: boolean; hasBand: boolean } {
    const { settings, seriesOf } = this.#context
    const lines = this.#spec.lines.map((line) => ({
      ...line,
      columns: overAxis(line.series, settings.axis, seriesOf(line.run)),
    }))
    const isLog = settings.log && lines.some(({ columns }) => columns[1].some((value) => value !== null && value > 0))
    const shown = (values: (number | null)[]) => (isLog ? positive(values) : values)
    const tables: XY[] = lines.map(({ columns: [xs, ys] }) => [
      xs,
      shown(settings.smoothing > 0 ? smooth(ys, settings.smoothing) : ys),
    ])
    if (settings.spread !== 'each' && lines.length > 1) return { ...bandOf(tables, settings.spread, shown), isLog }
    const strokes: Stroke[] = lines.map(({ label, run }) => ({ label, run, faint: false }))
    if (settings.smoothing > 0) {
      tables.push(...lines.map(({ columns: [xs, ys] }): XY => [xs, shown(ys)]))
      strokes.push(...lines.map(({ label, run }) => ({ label, run, faint: true })))
    }
    return { tables, strokes, isLog, hasBand: false }
  }

  #size(): { width: number; height: number } {
    const { clientWidth } = this.#canvas
    return { width: Math.max(200, clientWidth), height: clientWidth < 420 ? 200 : 230 }
  }

  /** Buttons that hide and show the lines. One line needs none. */
  #fillLegend(): void {
    this.#values = []
    this.#legend.hidden = this.#entries.length < 2
    this.#legend.replaceChildren(
      ...this.#entries.map(({ label, run }, index) => {
        const item = document.createElement('li')
        const button = document.createElement('button')
        button.type = 'button'
        button.setAttribute('aria-pressed', String(!this.#hidden.has(label)))
        const name = document.createElement('bdi')
        name.textContent = label
        // Not an <output>: screen readers would announce every point.
        const value = document.createElement('span')
        value.className = 'value'
        this.#values.push(value)
        button.append(swatch(run), name, value)
        button.addEventListener('click', () => {
          if (!this.#hidden.delete(label)) this.#hidden.add(label)
          const show = !this.#hidden.has(label)
          button.setAttribute('aria-pressed', String(show))
          for (const at of [index, index + this.#entries.length])
            if (this.#plot?.series[at + 1] !== undefined) this.#plot.setSeries(at + 1, { show })
        })
        item.append(button)
        return item
      }),
    )
  }

  /** The values at the pointer, or the last ones. */
  #showValues(): void {
    const plot = this.#plot
    if (plot === undefined) return
    const at = plot.cursor.idx ?? undefined
    const values = this.#entries.map((_, index) => {
      const column = plot.data[index + 1]
      return formatMetric((at === undefined ? lastOf(column) : column?.[at]) ?? null)
    })
    for (const [index, element] of this.#values.entries()) element.textContent = values[index] ?? ''
    const x = at === undefined ? undefined : plot.data[0][at]
    const where = x === undefined ? '' : ` · ${formatX(this.#axis, x)}`
    this.#readout.textContent = values.length === 1 ? ` ${values[0]}${where}` : where
  }

  #selected(plot: uPlot): void {
    const { left, width } = plot.select
    if (width < 2) return
    const min = plot.posToVal(left, 'x')
    const max = plot.posToVal(left + width, 'x')
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
    if (max > min) this.#context.zoomed(this, { min, max })
  }

  #press(event: KeyboardEvent): void {
    const plot = this.#plot
    const xs = plot?.data[0]
    if (plot === undefined || xs === undefined || xs.length === 0) return
    const at = plot.cursor.idx ?? xs.length - 1
    const { min = null, max = null } = plot.scales.x ?? {}
    if (event.key === 'ArrowLeft' || event.key === 'ArrowRight') {
      const next = Math.max(0, Math.min(xs.length - 1, at + (event.key === 'ArrowLeft' ? -1 : 1)))
      plot.setCursor({ left: plot.valToPos(xs[next] ?? 0, 'x'), top: 10 })
    } else if ((event.key === '+' || event.key === '-') && min !== null && max !== null) {
      const half = ((max - min) / 2) * (event.key === '+' ? 0.5 : 2)
      const centre = Math.max(min, Math.min(max, xs[at] ?? 0))
      const whole = { min: xs[0] ?? 0, max: xs[xs.length - 1] ?? 0 }
      const range = { min: Math.max(whole.min, centre - half), max: Math.min(whole.max, centre + half) }
      const isWhole = range.min <= whole.min && range.max >= whole.max
      this.#context.zoomed(this, isWhole || range.max <= range.min ? undefined : range)
    } else if (event.key === '0' || event.key === 'Escape') this.#context.zoomed(this, undefined)
    else return
    event.preventDefault()
  }

  #describe(): void {
    const { title, lines, axis } = this.#spec
    const last = lines.map(({ label, series }) => `${label} ${formatMetric(series.points.at(-1)?.[1] ?? null)}`)
    this.#canvas.setAttribute(
      'aria-label',
      t('{title} by {axis}. Last values: {values}. All values are in the table below.', {
        title,
        axis: axis === 'epoch' ? t('epoch') : t('step'),
        values: last.slice(0, 10).join(', '),
      }),
    )
    this.#canvas.dataset.points = String(lines.reduce((sum, { series }) => sum + series.points.length, 0))
  }
}

/** The mean of lines with the edges of the band around it. */
function bandOf(
  tables: readonly XY[],
  spread: Exclude<Spread, 'each'>,
  shown: (values: (number | null)[]) => (number | null)[],
): { tables: XY[]; strokes: Stroke[]; hasBand: true } {
  const { xs, high, mean, low } = spreadOf(tables, spread)
  const isRange = spread === 'range'
  return {
    tables: [high, mean, low].map((values): XY => [xs, shown(values)]),
    strokes: [
      { label: isRange ? t('highest') : t('mean + deviation'), run: 0, faint: false, edge: true },
      { label: t('mean'), run: 0, faint: false },
      { label: isRange ? t('lowest') : t('mean − deviation'), run: 0, faint: false, edge: true },
    ],
    hasBand: true,
  }
}

function formatX(axis: Axis, x: number): string {
  if (axis === 'time') return t('after {duration}', { duration: formatDuration(x * 1000) })
  const at = Number.isInteger(x) ? x : x.toFixed(2)
  return axis === 'epoch' ? t('epoch {epoch}', { epoch: at }) : t('step {step}', { step: at })
}

function swatch(run: number): SVGSVGElement {
  const namespace = 'http://www.w3.org/2000/svg'
  const svg = document.createElementNS(namespace, 'svg')
  svg.setAttribute('class', `swatch line-${run % 6}`)
  svg.setAttribute('viewBox', '0 0 24 8')
  svg.setAttribute('aria-hidden', 'true')
  const path = document.createElementNS(namespace, 'path')
  path.setAttribute('d', 'M1 4h22')
  svg.append(path)
  return svg
}

function lastOf(column: ArrayLike<number | null | undefined> | undefined): number | null {
  for (let index = (column?.length ?? 0) - 1; index >= 0; index -= 1) {
    const value = column?.[index]
    if (value !== null && value !== undefined) return value
  }
  return null
}
