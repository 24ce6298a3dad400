import { t } from '../words/t.ts'
import type { Spread, XAxis } from './chart-math.ts'

/** How all charts of a page are drawn. */
export interface ChartSettings {
  axis: XAxis
  log: boolean
  /** Weight of the moving average, from 0 to 0.99. */
  smoothing: number
  /** How the lines of several jobs are drawn. */
  spread: Spread
}

export interface ChartToolbar {
  settings: ChartSettings
  /** Shows whether charts are zoomed, with the button that ends it. */
  setZoomed(zoomed: boolean): void
}

export interface ToolbarOptions {
  /** Number of jobs in a chart. */
  runs: number
  changed(): void
  resetZoom(): void
}

const AXES: readonly [XAxis, string][] = [
  ['reported', 'As reported'],
  ['epoch', 'Epoch'],
  ['step', 'Step'],
  ['time', 'Time'],
]

const SPREADS: readonly [Spread, string][] = [
  ['each', 'Each one'],
  ['range', 'Mean, lowest and highest'],
  ['deviation', 'Mean and standard deviation'],
]

/** The settings above the charts. Scripts make it, because without them nothing here would work. */
export function createToolbar(root: HTMLElement, { runs, changed, resetZoom }: ToolbarOptions): ChartToolbar {
  const settings: ChartSettings = { axis: 'reported', log: false, smoothing: 0, spread: 'each' }
  const bar = document.createElement('div')
  bar.className = 'chart-toolbar'

  const axis = document.createElement('select')
  axis.append(...AXES.map(([value, text]) => new Option(t(text), value)))
  axis.addEventListener('change', () => {
    settings.axis = AXES.find(([value]) => value === axis.value)?.[0] ?? 'reported'
    changed()
  })

  const smoothing = document.createElement('input')
  smoothing.type = 'range'
  Object.assign(smoothing, { min: '0', max: '0.99', step: '0.01', value: '0' })
  smoothing.addEventListener('input', () => {
    settings.smoothing = Number(smoothing.value)
    changed()
  })

  const log = document.createElement('input')
  log.type = 'checkbox'
  log.addEventListener('change', () => {
    settings.log = log.checked
    changed()
  })

  const spread = document.createElement('select')
  spread.append(...SPREADS.map(([value, text]) => new Option(t(text), value)))
  spread.addEventListener('change', () => {
    settings.spread = SPREADS.find(([value]) => value === spread.value)?.[0] ?? 'each'
    changed()
  })

  const reset = document.createElement('button')
  reset.type = 'button'
  reset.className = 'quiet'
  reset.textContent = t('Reset zoom')
  reset.hidden = true
  reset.addEventListener('click', () => {
    resetZoom()
    reset.hidden = true
  })

  const hint = document.createElement('p')
  hint.className = 'muted'
  hint.textContent = t(
    'Drag across a chart to zoom; double-click resets. By keyboard: arrows read values, + and - zoom, 0 resets.',
  )
  bar.append(labelled(t('Axis'), axis), labelled(t('Smoothing'), smoothing), labelled(t('Log scale'), log))
  if (runs > 1) bar.append(labelled(t('Lines of jobs'), spread))
  bar.append(reset, hint)
  root.prepend(bar)
  return {
    settings,
    setZoomed(zoomed) {
      reset.hidden = !zoomed
    },
  }
}

function labelled(text: string, control: HTMLElement): HTMLLabelElement {
  const label = document.createElement('label')
  label.append(`${text} `, control)
  return label
}
