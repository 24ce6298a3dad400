import { type ChartPoint, type ChartRun, type ChartSection, type ChartSpec, groupCharts } from '../jobs/chart-groups.ts'
import { type BoxContext, ChartBox } from './chart-box.ts'
import { type ChartToolbar, createToolbar } from './chart-toolbar.ts'

export interface Charts {
  /** Replaces the series of the first run. */
  replace(series: ChartRun['series']): void
  /** Adds points to the first run. */
  add(points: readonly { name: string; axis: 'epoch' | 'step'; point: ChartPoint }[]): void
}

export interface ChartsOptions {
  runs: ChartRun[]
  /** Name of the primary metric. */
  primary: string
  csvUrl?: ((name: string) => string) | undefined
  /** More points of a series of the first run, for a closer look. */
  loadMore?: ((name: string) => Promise<ChartPoint[]>) | undefined
}

/** What uPlot draws smoothly on a phone. */
const MAX_POINTS = 20_000

/** Replaces the server's static charts with interactive ones and keeps them up to date. */
export function createCharts(root: HTMLElement, options: ChartsOptions): Charts {
  const board = new ChartBoard(root, options)
  const [run] = options.runs
  return {
    replace(series) {
      if (run === undefined) return
      run.series = series
      board.forgetDetails()
      board.schedule()
    },
    add(points) {
      if (run === undefined) return
      for (const { name, axis, point } of points) {
        let target = run.series.find((candidate) => candidate.name === name)
        if (target === undefined) {
          target = { name, axis, points: [] }
          run.series.push(target)
        }
        target.points = withPoint(target.points, point)
      }
      board.schedule()
    },
  }
}

/** All charts of a page with the settings above them. */
class ChartBoard {
  readonly #root: HTMLElement
  readonly #options: ChartsOptions
  readonly #boxes = new Map<string, ChartBox>()
  /** Names of series that have more points than the page came with. */
  readonly #detailed = new Set<string>()
  readonly #toolbar: ChartToolbar
  readonly #context: BoxContext
  #layout = ''
  #scheduled = false

  constructor(root: HTMLElement, options: ChartsOptions) {
    this.#root = root
    this.#options = options
    this.#toolbar = createToolbar(root, {
      runs: options.runs.length,
      changed: () => {
        for (const box of this.#boxes.values()) box.update(box.spec)
        this.#toolbar.setZoomed([...this.#boxes.values()].some(({ range }) => range !== undefined))
      },
      resetZoom: () => {
        for (const box of this.#boxes.values()) box.zoomTo(undefined)
      },
    })
    this.#context = {
      settings: this.#toolbar.settings,
      seriesOf: (run) => options.runs[run]?.series ?? [],
      csvUrl: options.csvUrl,
      zoomed: (source, range) => {
        for (const box of this.#boxes.values()) if (box.axis === source.axis) box.zoomTo(range)
        this.#toolbar.setZoomed(range !== undefined)
        if (range !== undefined) void this.#loadDetails(source.spec)
      },
    }
    this.#draw()
    // A canvas cannot use custom properties: it is drawn again when the colour scheme changes.
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      for (const box of this.#boxes.values()) box.repaint()
    })
  }

  forgetDetails(): void {
    this.#detailed.clear()
  }

  /** Draws once for many points. */
  schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    // Not an animation frame: those stop in hidden tabs, and data would pile up.
    setTimeout(() => this.#draw(), 50)
  }

  /** A zoomed chart shows points that the overview leaves out. */
  async #loadDetails({ title, lines }: ChartSpec): Promise<void> {
    const { loadMore } = this.#options
    const series = lines[0]?.series
    if (loadMore === undefined || series === undefined || this.#detailed.has(title)) return
    if ((series.count ?? 0) <= series.points.length) return
    this.#detailed.add(title)
    try {
      const points = await loadMore(title)
      const newest = points.at(-1)?.[0] ?? -1
      // Points that arrived meanwhile stay.
      series.points = [...points, ...series.points.filter(([step]) => step > newest)]
      this.schedule()
    } catch {
      // The overview stays, and the next zoom tries again.
      this.#detailed.delete(title)
    }
  }

  #draw(): void {
    this.#scheduled = false
    const sections = groupCharts(this.#options.runs, this.#options.primary)
    if (sections.length === 0) return
    const next = JSON.stringify(sections.map(({ title, charts }) => [title, charts.map(({ id }) => id)]))
    if (next !== this.#layout) {
      this.#layout = next
      this.#arrange(sections)
    }
    for (const spec of sections.flatMap(({ charts }) => charts)) this.#boxes.get(spec.id)?.update(spec)
  }

  /** Puts the figures in their sections. Those that exist move with their state. */
  #arrange(sections: readonly ChartSection[]): void {
    const ids = new Set(sections.flatMap(({ charts }) => charts.map(({ id }) => id)))
    for (const [id, box] of this.#boxes) {
      if (ids.has(id)) continue
      box.destroy()
      this.#boxes.delete(id)
    }
    this.#root.querySelector('.charts-empty')?.remove()
    const old = [...this.#root.querySelectorAll('.chart-section')]
    this.#root.append(
      ...sections.map(({ title, charts }) =>
        sectionOf(
          title,
          charts.map((spec) => this.#boxOf(spec).figure),
        ),
      ),
    )
    for (const section of old) section.remove()
  }

  #boxOf(spec: ChartSpec): ChartBox {
    const known = this.#boxes.get(spec.id)
    if (known !== undefined) return known
    const figure = document.createElement('figure')
    figure.className = 'chart'
    figure.dataset.chart = spec.id
    const box = new ChartBox(figure, spec, this.#context)
    this.#boxes.set(spec.id, box)
    return box
  }
}

function sectionOf(title: string, figures: readonly HTMLElement[]): HTMLElement {
  const section = document.createElement('section')
  section.className = 'chart-section'
  const heading = document.createElement('h3')
  const text = document.createElement('bdi')
  text.textContent = title
  heading.append(text)
  const grid = document.createElement('div')
  grid.className = 'chart-grid'
  grid.append(...figures)
  section.append(heading, grid)
  return section
}

/** Keeps steps sorted and unique: the last value of a step wins. */
function withPoint(points: ChartPoint[], point: ChartPoint): ChartPoint[] {
  const [step] = point
  let index = points.length
  while (index > 0 && (points[index - 1]?.[0] ?? 0) > step) index -= 1
  if (points[index - 1]?.[0] === step) points[index - 1] = point
  else points.splice(index, 0, point)
  // A page may stay open for days: beyond the limit, the older half is thinned out.
  return points.length > MAX_POINTS ? points.filter((_, at) => at % 2 === 0 || at > MAX_POINTS / 2) : points
}
