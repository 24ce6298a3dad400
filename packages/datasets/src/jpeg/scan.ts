import { BitReader, type HuffmanTable } from './entropy.ts'

/** One colour of a frame. */
export interface Component {
  id: number
  /** How often it is sampled, against the others. */
  h: number
  v: number
  /** Blocks of 8 × 8 that the picture needs. */
  columns: number
  rows: number
  /** Blocks in a row of memory: whole units of all components. */
  stride: number
  quantization: number
  /** 64 numbers a block, in the order of the frequencies' rows. */
  coefficients: Int16Array
}

export interface Frame {
  isProgressive: boolean
  width: number
  height: number
  unitColumns: number
  unitRows: number
  components: Component[]
}

export interface Scan {
  components: { component: Component; dc: HuffmanTable; ac: HuffmanTable }[]
  /** First and last frequency, and the bits that were and are sent: all of them but in progressive files. */
  first: number
  last: number
  high: number
  low: number
  restartInterval: number
}

/** Where the numbers of a zigzag lie in a block. */
export const ZIGZAG = Uint8Array.from([
  0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
  35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47,
  55, 62, 63,
])

/** Reads the coefficients of a scan, and says where it ends. */
export function readScan(data: Uint8Array, position: number, frame: Frame, scan: Scan): number {
  const reader = new BitReader(data, position)
  const predictions = new Int32Array(scan.components.length)
  const run = { left: 0 }
  const readBlock = chooseBlockReader(frame, scan, reader, run)
  const [only] = scan.components
  const isAlone = scan.components.length === 1 && only !== undefined
  const unitColumns = isAlone ? only.component.columns : frame.unitColumns
  const units = isAlone ? unitColumns * only.component.rows : unitColumns * frame.unitRows
  for (let unit = 0; unit < units; unit++) {
    if (scan.restartInterval > 0 && unit > 0 && unit % scan.restartInterval === 0) {
      reader.restart()
      predictions.fill(0)
      run.left = 0
    }
    const column = unit % unitColumns
    const row = Math.floor(unit / unitColumns)
    for (const [index, { component, dc, ac }] of scan.components.entries()) {
      const [h, v] = isAlone ? [1, 1] : [component.h, component.v]
      for (let block = 0; block < h * v; block++) {
        const at = (row * v + Math.floor(block / h)) * component.stride + column * h + (block % h)
        readBlock(component.coefficients, at * 64, dc, ac, predictions, index)
      }
    }
  }
  return reader.position
}

type BlockReader = (
  coefficients: Int16Array,
  at: number,
  dc: HuffmanTable,
  ac: HuffmanTable,
  predictions: Int32Array,
  index: number,
) => void

function chooseBlockReader(
  frame: Frame,
  { first, last, high, low }: Scan,
  reader: BitReader,
  run: { left: number },
): BlockReader {
  if (!frame.isProgressive) return readWhole
  if (first === 0) return high === 0 ? readFirstDc : refineDc
  return high === 0 ? readFirstAc : refineAc

  function nextDc(dc: HuffmanTable, predictions: Int32Array, index: number): number {
    const value = (predictions[index] ?? 0) + reader.signed(Math.min(15, reader.symbol(dc)))
    predictions[index] = value
    return value
  }

  function readWhole(
    coefficients: Int16Array,
    at: number,
    dc: HuffmanTable,
    ac: HuffmanTable,
    predictions: Int32Array,
    index: number,
  ): void {
    coefficients[at] = nextDc(dc, predictions, index)
    for (let k = 1; k < 64; k++) {
      const symbol = reader.symbol(ac)
      const length = symbol & 15
      const zeros = symbol >> 4
      if (length === 0 && zeros < 15) return
      k += zeros
      if (length > 0 && k < 64) coefficients[at + (ZIGZAG[k] as number)] = reader.signed(length)
    }
  }

  function readFirstDc(
    coefficients: Int16Array,
    at: number,
    dc: HuffmanTable,
    _ac: HuffmanTable,
    predictions: Int32Array,
    index: number,
  ): void {
    coefficients[at] = nextDc(dc, predictions, index) * (1 << low)
  }

  function refineDc(coefficients: Int16Array, at: number): void {
    if (reader.bits(1)) coefficients[at] = (coefficients[at] as number) | (1 << low)
  }

  function readFirstAc(coefficients: Int16Array, at: number, _dc: HuffmanTable, ac: HuffmanTable): void {
    if (run.left > 0) {
      run.left--
      return
    }
    for (let k = first; k <= last; k++) {
      const symbol = reader.symbol(ac)
      const length = symbol & 15
      const zeros = symbol >> 4
      if (length === 0 && zeros < 15) {
        run.left = (1 << zeros) + reader.bits(zeros) - 1
        return
      }
      k += zeros
      if (length > 0 && k <= last) coefficients[at + (ZIGZAG[k] as number)] = reader.signed(length) * (1 << low)
    }
  }

  /** One more bit of those that are not zero, and new ones between them. */
  function refineAc(coefficients: Int16Array, at: number, _dc: HuffmanTable, ac: HuffmanTable): void {
    let k = first
    if (run.left === 0) {
      for (; k <= last; k++) {
        const symbol = reader.symbol(ac)
        let zeros = symbol >> 4
        let value = 0
        if ((symbol & 15) !== 0) value = reader.bits(1) ? 1 << low : -1 << low
        else if (zeros < 15) {
          run.left = (1 << zeros) + reader.bits(zeros)
          break
        }
        for (; k <= last; k++) {
          const place = at + (ZIGZAG[k] as number)
          if (coefficients[place] !== 0) refine(coefficients, place)
          else if (--zeros < 0) {
            if (value !== 0) coefficients[place] = value
            break
          }
        }
      }
    }
    if (run.left === 0) return
    for (; k <= last; k++) {
      const place = at + (ZIGZAG[k] as number)
      if (coefficients[place] !== 0) refine(coefficients, place)
    }
    run.left--
  }

  function refine(coefficients: Int16Array, place: number): void {
    const value = coefficients[place] as number
    if (!reader.bits(1) || (Math.abs(value) & (1 << low)) !== 0) return
    coefficients[place] = value + (value > 0 ? 1 << low : -1 << low)
  }
}
