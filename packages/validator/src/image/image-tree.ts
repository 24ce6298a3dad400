import { LayerRefused } from '../errors.ts'
import { type LayerEntry, shownPath } from './layer-entry.ts'

/** A file, folder or link of the image that would run. */
export interface ImageNode {
  type: 'file' | 'directory' | 'symlink' | 'device' | 'fifo'
  mode: number
  sizeBytes: number
  /** The target of a symbolic link, as written; otherwise empty. */
  linkPath: string
  /** Where the bytes are: the number of the layer, and of the entry in it. */
  layer: number
  index: number
}

interface TreeNode extends ImageNode {
  /** The last layer that has an entry here or below. */
  touchedBy: number
  children: Map<string, TreeNode>
}

/** Only folders have their own. */
const NO_CHILDREN = new Map<string, TreeNode>()

/**
 * The files of an image: its layers, applied from the lowest to the highest as container engines do. Where engines would
 * apply a layer in different ways, it is refused: what is read here is what will run.
 * https://github.com/opencontainers/image-spec/blob/main/layer.md
 */
export class ImageTree {
  readonly #root: TreeNode = folder(0)
  #layer = -1
  /** Paths at which this layer hides a folder of a lower one. Overlay file systems would show its content again. */
  #hiddenFolders = new Set<string>()

  /** @throws LayerRefused for an entry that engines refuse, or apply in different ways */
  apply(entries: readonly LayerEntry[]): void {
    this.#layer += 1
    this.#hiddenFolders = new Set()
    for (const [index, entry] of entries.entries()) this.#applyEntry(entry, index)
  }

  /** What lies at a path, without following links. */
  find(path: string): ImageNode | undefined {
    return this.#findNode(path)
  }

  /** Everything in the image with its path, folders before their content. */
  *entries(): Generator<[path: string, node: ImageNode]> {
    yield* below(this.#root, '')
  }

  #applyEntry(entry: LayerEntry, index: number): void {
    if (entry.path === '') {
      if (entry.type === 'opaque') throw new LayerRefused('hides everything below it: engines differ in what remains')
      return
    }
    const parts = entry.path.split('/')
    const name = parts.pop() ?? ''
    const parent = this.#enter(parts, entry)
    if (entry.type === 'opaque') this.#clear(this.#enter([...parts, name], entry), entry)
    else if (entry.type === 'whiteout') this.#remove(parent, name, entry)
    else if (entry.type === 'directory') this.#addFolder(parent, name, entry, index)
    else this.#put(parent, name, entry, this.#nodeOf(entry, entry.type, index))
  }

  /** The folder at `parts`; missing ones are made, as engines do. */
  #enter(parts: readonly string[], entry: LayerEntry): TreeNode {
    let node = this.#root
    let path = ''
    for (const part of parts) {
      path = path === '' ? part : `${path}/${part}`
      let next = node.children.get(part)
      if (next === undefined) {
        this.#refuseHidden(path)
        next = folder(this.#layer)
        node.children.set(part, next)
      }
      if (next.type !== 'directory')
        throw new LayerRefused(
          `has ${shownPath(entry.path)} below ${shownPath(path)}, which is no folder but a ${next.type}: engines differ in where they write it`,
        )
      next.touchedBy = this.#layer
      node = next
    }
    return node
  }

  #addFolder(parent: TreeNode, name: string, entry: LayerEntry, index: number): void {
    const existing = parent.children.get(name)
    if (existing?.type === 'directory') {
      existing.mode = entry.mode
      existing.touchedBy = this.#layer
      return
    }
    this.#refuseHidden(entry.path)
    parent.children.set(name, { ...folder(this.#layer), mode: entry.mode, index })
  }

  #put(parent: TreeNode, name: string, { path }: LayerEntry, node: ImageNode): void {
    if (this.#isLowerFolder(parent.children.get(name))) this.#hiddenFolders.add(path)
    parent.children.set(name, { ...node, touchedBy: this.#layer, children: NO_CHILDREN })
  }

  #remove(parent: TreeNode, name: string, { path }: LayerEntry): void {
    const node = parent.children.get(name)
    if (node === undefined) return
    if (node.touchedBy === this.#layer)
      throw new LayerRefused(`hides ${shownPath(path)}, which it holds itself: engines differ in what remains`)
    if (node.type === 'directory') this.#hiddenFolders.add(path)
    parent.children.delete(name)
  }

  #clear(node: TreeNode, { path }: LayerEntry): void {
    if ([...node.children.values()].some(({ touchedBy }) => touchedBy === this.#layer))
      throw new LayerRefused(
        `hides the content of ${shownPath(path)} after it has added to it: engines differ in what remains`,
      )
    node.children.clear()
  }

  #nodeOf(entry: LayerEntry, type: 'file' | 'symlink' | 'device' | 'fifo' | 'hardlink', index: number): ImageNode {
    if (type === 'hardlink') return this.#targetOf(entry)
    const { mode, sizeBytes, linkPath } = entry
    return { type, mode, sizeBytes, linkPath, layer: this.#layer, index }
  }

  #targetOf({ path, linkPath }: LayerEntry): ImageNode {
    const target = linkPath === path ? undefined : this.#findNode(linkPath)
    if (target === undefined || target.type === 'directory')
      throw new LayerRefused(`has a hard link ${shownPath(path)} to ${shownPath(linkPath)}, which is no file before it`)
    const { type, mode, sizeBytes, linkPath: symbolic, layer, index } = target
    return { type, mode, sizeBytes, linkPath: symbolic, layer, index }
  }

  #findNode(path: string): TreeNode | undefined {
    let node: TreeNode | undefined = this.#root
    for (const part of path === '' ? [] : path.split('/')) node = node?.children.get(part)
    return node
  }

  #isLowerFolder(node: TreeNode | undefined): boolean {
    return node?.type === 'directory' && node.layer < this.#layer
  }

  #refuseHidden(path: string): void {
    if (this.#hiddenFolders.has(path))
      throw new LayerRefused(`hides the folder ${shownPath(path)} and adds it again: engines differ in what it holds`)
  }
}

function folder(layer: number): TreeNode {
  const children = new Map<string, TreeNode>()
  return { type: 'directory', mode: 0o755, sizeBytes: 0, linkPath: '', layer, index: -1, touchedBy: layer, children }
}

function* below(node: TreeNode, path: string): Generator<[string, ImageNode]> {
  for (const [name, child] of node.children) {
    const childPath = path === '' ? name : `${path}/${name}`
    yield [childPath, child]
    yield* below(child, childPath)
  }
}
